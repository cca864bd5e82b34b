<?php
// What the tests do inside Moodle that its pages would take many clicks for. Run as root or as the web user:
//   php moodle.php gradebook COURSEID TYPEID        {column: {"max", "own", "grades": {username: grade|null}, …}}
//   php moodle.php custom CMID TEXT                 custom parameters of one activity
//   php moodle.php override COURSEID TYPEID COLUMN USERNAME GRADE    as a teacher does by hand in the gradebook
//   php moodle.php enrol|unenrol COURSEID USERNAME [ROLE]
//   php moodle.php forget TYPEID                    delete the tool, its activities and its columns
//   php moodle.php tool TYPEID                      {"state": 1 active or 2 pending, "config": {…}}
//   php moodle.php paste TYPEID PEM                 as an admin does who chooses "RSA key" and pastes it
//   php moodle.php lti11 COURSE NAME URL KEY SECRET GRADE    a tool of LTI 1.1 and a graded activity of it: {"type", …}
//   php moodle.php contentitem TYPEID               switch Deep Linking on, as an admin does in the tool's settings
//   php moodle.php activities TYPEID                [{"name", "cmid", "custom", "url", "review", "resource_id"}]
//   php moodle.php crowd COURSE COUNT               a course with so many students (crowd0001…), made where missing:
//                                                   {"course_id", "ids": {username: id}}
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
require_once($CFG->dirroot . '/user/lib.php');
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

function paste(int $typeid, string $pem): void {
    global $DB;
    foreach (['keytype' => LTI_RSA_KEY, 'publickey' => $pem] as $name => $value) {
        $DB->delete_records('lti_types_config', ['typeid' => $typeid, 'name' => $name]);
        $DB->insert_record('lti_types_config', ['typeid' => $typeid, 'name' => $name, 'value' => $value]);
    }
}

/** As an admin does at "configure a tool manually", and a teacher who adds the activity. */
function lti11(string $shortname, string $name, string $url, string $key, string $secret, int $grade): array {
    global $CFG, $DB;
    $course = $DB->get_record('course', ['shortname' => $shortname], '*', MUST_EXIST);
    $type = lti_add_type((object)['state' => LTI_TOOL_STATE_CONFIGURED, 'course' => SITEID], (object)[
        'lti_typename' => $name, 'lti_toolurl' => $url, 'lti_description' => '', 'lti_ltiversion' => LTI_VERSION_1,
        'lti_resourcekey' => $key, 'lti_password' => $secret, 'lti_customparameters' => 'username=$User.username',
        'lti_coursevisible' => LTI_COURSEVISIBLE_ACTIVITYCHOOSER, 'lti_launchcontainer' => LTI_LAUNCH_CONTAINER_WINDOW,
        'lti_sendname' => 1, 'lti_sendemailaddr' => 1, 'lti_acceptgrades' => LTI_SETTING_ALWAYS, 'lti_forcessl' => 0,
        'lti_contentitem' => 0, 'lti_organizationid_default' => LTI_DEFAULT_ORGID_SITEID, 'lti_organizationid' => '',
        'lti_organizationurl' => '']);
    $made = create_module((object)['modulename' => 'lti', 'course' => $course->id, 'section' => 1, 'visible' => 1,
        'name' => $name, 'introeditor' => ['text' => "First line\r\n\r\nSecond", 'format' => FORMAT_HTML, 'itemid' => 0],
        'typeid' => $type, 'toolurl' => '', 'cmidnumber' => '', 'grade' => $grade, 'instructorchoiceacceptgrades' => 1,
        'instructorchoicesendname' => 1, 'instructorchoicesendemailaddr' => 1, 'showtitlelaunch' => 1,
        'instructorcustomparameters' => 'assignment=ps1', 'launchcontainer' => LTI_LAUNCH_CONTAINER_DEFAULT]);
    rebuild_course_cache($course->id, true);
    return ['type' => (string)$type, 'issuer' => $CFG->wwwroot, 'course_id' => (int)$course->id,
        'cmid' => (int)$made->coursemodule, 'view_url' => "$CFG->wwwroot/mod/lti/view.php?id=$made->coursemodule"];
}

function contentitem(int $typeid): void {
    global $DB;
    $DB->delete_records('lti_types_config', ['typeid' => $typeid, 'name' => 'contentitem']);
    $DB->insert_record('lti_types_config', ['typeid' => $typeid, 'name' => 'contentitem', 'value' => 1]);
}

function activities(int $typeid): array {
    global $DB;
    $found = [];
    foreach ($DB->get_records('lti', ['typeid' => $typeid], 'id') as $lti) {
        $bound = $DB->get_record('ltiservice_gradebookservices', ['ltilinkid' => $lti->id]);
        $found[] = ['name' => $lti->name, 'custom' => $lti->instructorcustomparameters, 'url' => $lti->toolurl,
            'cmid' => (int)get_coursemodule_from_instance('lti', $lti->id)->id,
            'review' => $bound->subreviewurl ?? null, 'resource_id' => $bound->resourceid ?? null];
    }
    return $found;
}

function crowd(string $shortname, int $count): array {
    global $DB, $CFG;
    $course = $DB->get_record('course', ['shortname' => $shortname]) ?: create_course((object)[
        'shortname' => $shortname, 'fullname' => $shortname, 'category' => 1, 'format' => 'topics', 'numsections' => 1]);
    $student = $DB->get_field('role', 'id', ['shortname' => 'student'], MUST_EXIST);
    $ids = [];
    for ($number = 1; $number <= $count; $number++) {
        $username = sprintf('crowd%04d', $number);
        $id = $DB->get_field('user', 'id', ['username' => $username, 'deleted' => 0]) ?: user_create_user((object)[
            'username' => $username, 'firstname' => 'Crowd', 'lastname' => sprintf('Student %04d', $number),
            'email' => "$username@lab.invalid", 'auth' => 'manual', 'confirmed' => 1, 'timezone' => '99',
            'mnethostid' => $CFG->mnet_localhost_id, 'password' => 'not a hash, so nobody can log in'], false, false);
        enrol_get_plugin('manual')->enrol_user(manual($course->id), $id, $student);
        $ids[$username] = (string)$id;
    }
    return ['course_id' => (int)$course->id, 'ids' => $ids];
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
    'tool' => ['state' => (int)$DB->get_field('lti_types', 'state', ['id' => $args[0]], MUST_EXIST),
        'config' => lti_get_type_config((int)$args[0])],
    'lti11' => lti11($args[0], $args[1], $args[2], $args[3], $args[4], (int)$args[5]),
    'paste' => paste((int)$args[0], $args[1]),
    'contentitem' => contentitem((int)$args[0]),
    'activities' => activities((int)$args[0]),
    'crowd' => crowd($args[0], (int)$args[1]),
};
echo json_encode($result, JSON_PRETTY_PRINT | JSON_UNESCAPED_UNICODE), "\n";
