<?php
// What the tests do inside Moodle that its pages would take many clicks for. Run as root or as the web user:
//   php moodle.php gradebook COURSEID TYPEID        {column: {"max", "own", "grades": {username: grade|null}, …}}
//   php moodle.php custom CMID TEXT                 custom parameters of one activity
//   php moodle.php override COURSEID TYPEID COLUMN USERNAME GRADE    as a teacher does by hand in the gradebook
//   php moodle.php enrol|unenrol COURSEID USERNAME [ROLE]
//   php moodle.php forget TYPEID                    delete the tool, its activities and its columns
// MOODLE_CODE names Moodle's folder. Prints JSON.

[, $what] = $argv;
$args = array_slice($argv, 2);
if (posix_geteuid() === 0) { // Moodle's caches belong to the web user.
    $www = posix_getpwnam('www-data');
    posix_initgroups('www-data', $www['gid']);
    posix_setgid($www['gid']);
    posix_setuid($www['uid']);
}
define('CLI_SCRIPT', true);
require((getenv('MOODLE_CODE') ?: getenv('HOME') . '/moodle') . '/config.php');
require_once($CFG->libdir . '/gradelib.php');
require_once($CFG->dirroot . '/course/lib.php');
require_once($CFG->dirroot . '/mod/lti/locallib.php');
\core\session\manager::set_user(get_admin());

/** The columns that belong to the tool: its activities' own and those that it made. */
function columns(int $courseid, int $typeid): array {
    global $DB;
    $made = $DB->get_fieldset_select('ltiservice_gradebookservices', 'gradeitemid', 'courseid = ? AND typeid = ?',
        [$courseid, $typeid]);
    $activities = $DB->get_fieldset_select('lti', 'id', 'course = ? AND typeid = ?', [$courseid, $typeid]);
    return array_filter(grade_item::fetch_all(['courseid' => $courseid]) ?: [], fn($item) =>
        in_array($item->id, $made) || ($item->itemmodule === 'lti' && in_array($item->iteminstance, $activities)));
}

function person(string $username): stdClass {
    global $DB;
    return $DB->get_record('user', ['username' => $username, 'deleted' => 0], '*', MUST_EXIST);
}

function manual(int $courseid): stdClass {
    global $DB;
    return $DB->get_record('enrol', ['courseid' => $courseid, 'enrol' => 'manual'], '*', MUST_EXIST);
}

function gradebook(int $courseid, int $typeid): array {
    global $DB;
    grade_regrade_final_grades($courseid);
    $book = [];
    foreach (columns($courseid, $typeid) as $item) {
        $shown = $DB->get_records_sql('SELECT u.username, g.finalgrade, g.overridden FROM {grade_grades} g
            JOIN {user} u ON u.id = g.userid WHERE g.itemid = ?', [$item->id]);
        $book[$item->itemname][] = [
            'max' => (float)$item->grademax,
            'own' => $item->itemtype === 'mod',
            'grades' => (object)array_map(fn($g) => $g->finalgrade === null ? null : (float)$g->finalgrade, $shown),
            'overridden' => array_keys(array_filter($shown, fn($g) => $g->overridden > 0)),
        ];
    }
    return $book;
}

function override(int $courseid, int $typeid, string $column, string $username, string $grade): void {
    $named = array_filter(columns($courseid, $typeid), fn($item) => $item->itemname === $column);
    current($named)->update_final_grade(person($username)->id, (float)$grade, 'gradebook');
}

function forget(int $typeid): void {
    global $DB;
    foreach ($DB->get_records('lti', ['typeid' => $typeid]) as $lti) {
        course_delete_module(get_coursemodule_from_instance('lti', $lti->id)->id);
    }
    foreach ($DB->get_records('ltiservice_gradebookservices', ['typeid' => $typeid]) as $made) {
        if ($item = grade_item::fetch(['id' => $made->gradeitemid])) {
            $item->delete();
        }
    }
    lti_delete_type($typeid);
}

$result = match ($what) {
    'gradebook' => (object)gradebook((int)$args[0], (int)$args[1]),
    'custom' => $DB->set_field('lti', 'instructorcustomparameters', $args[1],
        ['id' => get_coursemodule_from_id('lti', (int)$args[0])->instance]),
    'override' => override((int)$args[0], (int)$args[1], $args[2], $args[3], $args[4]),
    'enrol' => enrol_get_plugin('manual')->enrol_user(manual((int)$args[0]), person($args[1])->id,
        $DB->get_field('role', 'id', ['shortname' => $args[2] ?? 'student'], MUST_EXIST)),
    'unenrol' => enrol_get_plugin('manual')->unenrol_user(manual((int)$args[0]), person($args[1])->id),
    'forget' => forget((int)$args[0]),
};
echo json_encode($result, JSON_PRETTY_PRINT | JSON_UNESCAPED_UNICODE), "\n";
