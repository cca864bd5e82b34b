"""A courses file is either wholly right, or every mistake in it is told with its line and field."""

import textwrap

import pytest

from jupyterhub_courses.core import filecheck
from jupyterhub_courses.core.filecheck import check_data, check_text
from jupyterhub_courses.core.specs import CoursesFile, not_on_a_cluster, not_on_one_machine

GOOD = """\
platforms:
  - name: uni
    issuer: https://lms.example.edu
    course_creation: on
    registrations:
      - client_id: "12"
        deployment_ids: ["1"]
        authorize_url: https://lms.example.edu/auth
        token_url: https://lms.example.edu/token
        keyset_url: https://lms.example.edu/certs
courses:
  - slug: ml101
    title: Machine Learning
    lms: {platform: uni, context: "3"}
    memory: 2G
    cpu: {guarantee: 0.5, limit: 2}
    environment: /opt/ml101
    exchange: {upload_limit: 20M}
    start_from: {git: https://git.example.edu/ml101.git, ref: main, path: course}
    idle_timeout: 2h
  - slug: art
    title: Art
    people:
      - {username: ada, name: Ada, role: instructor}
"""


def problems(text):
    return [str(problem) for problem in check_text(textwrap.dedent(text)).problems]


def test_a_right_file_becomes_specs():
    checked = check_text(GOOD)
    assert checked.problems == ()
    ml101, art = checked.file.courses
    assert ml101.memory.limit == 2 * 2**30 and ml101.cpu.guarantee == 0.5 and ml101.environment.python == "/opt/ml101"
    assert ml101.idle_timeout == 7200 and art.people[0].role == "instructor"
    assert checked.file.platforms[0].course_creation.mode == "on"


def test_a_spec_survives_its_own_json():
    file = check_text(GOOD).file
    assert CoursesFile.model_validate(file.model_dump(mode="json")) == file


def test_every_mistake_is_told_at_once_with_line_and_field():
    assert problems("""\
        courses:
          - slug: ml101
            title: ML
            memory: "2 GB"
            grader:
              memory: {guarantee: 2G, limit: 1G}
          - slug: 1bad
            start_from: {}
        """) == [
        'ml101: line 4, memory: "2 GB" is not a size: write a number with K, M, G or T, like 512M or 2G',
        "ml101: line 6, grader.memory: what is guaranteed is more than the limit",
        '1bad: line 7, slug: "1bad" is not a course\'s name: a lowercase letter first, then letters,'
        " digits and single hyphens, at most 30, no hyphen at the end",
        "1bad: line 7, title: is missing",
        "1bad: line 8, start_from: needs either git or folder",
    ]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("memmory: 2G", "line 4, memmory: is not known here: did you mean memory?"),
        ("grader: {cpus: 2}", "line 4, grader.cpus: is not known here: did you mean cpu?"),
        ("exchange: {zzz: 2}", "line 4, exchange.zzz: is not known here: known are upload_limit"),
        (
            "people: [{username: ada, rol: student}]",
            "line 4, people[1].rol: is not known here: did you mean role?",
        ),
        ("people: [{username: Ada}]", 'line 4, people[1].username: "Ada" is not a username'),
        ("people: [{username: grader-x}]", "is reserved for the hub's own users"),
        (
            "people: [{username: ada}, {username: ada}]",
            'line 4, people[2].username: "ada" stands already on line 4',
        ),
        (
            "lms: {platform: uni, context: 3}",
            'line 4, lms.context: 3 is not text: put it in quotes, like "3"',
        ),
        ("cpu: two", 'line 4, cpu: "two" is not a number of processor cores'),
        ("cpu: 1\n    cpu: 2", "line 5, cpu: is written twice"),
        ("people: ada", 'line 4, people: "ada" is not a list'),
        ("exchange: 5", "line 4, exchange: 5 is not a group of named fields"),
        ("start_from: {folder: /a, ref: main}", "ref and path belong to git"),
        ("start_from: {folder: a}", '"a" is not the whole path of a folder'),
        ("idle_timeout: 40d", "is too much: at most 2592000"),
    ],
)
def test_one_mistake(written, told):
    (problem,) = problems(f"courses:\n  - slug: ml101\n    title: ML\n    {written}\n")
    assert problem.startswith("ml101: line") and told in problem


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty: write platforms: and courses:"),
        ("a: [", "line 1: this is not YAML"),
        ("course: []", "line 1, course: is not known here: did you mean courses?"),
        ("- ml101", "line 1: ['ml101'] is not a group of named fields"),
        ("courses: [{slug: a}, 5]", "course 2: line 1: 5 is not a group of named fields"),
        ("courses: !!python/name:os.system ''", "this is not YAML: could not determine a constructor"),
        ("? [a]\n: 1", "line 1: a name of a field must be plain text"),
    ],
)
def test_a_file_that_is_something_else(text, told):
    assert any(told in problem for problem in problems(text)), problems(text)


def test_what_two_entries_share_is_found_even_beside_other_mistakes():
    told = problems("""\
        platforms:
          - {name: uni, issuer: "https://a", registrations: []}
          - {name: uni, issuer: "https://a", registrations: []}
        courses:
          - {slug: a, title: A, lms: {platform: uni, context: "1"}}
          - {slug: a, title: A, lms: {platform: uni, context: "1"}}
        """)
    assert told == [
        "uni: line 2: needs registrations (LTI 1.3) or consumers (LTI 1.1)",
        "uni: line 3: needs registrations (LTI 1.3) or consumers (LTI 1.1)",
        'uni: line 3, name: "uni" stands already on line 2',
        'a: line 6, slug: "a" stands already on line 5',
        'a: line 6, lms.context: "1" stands already on line 5',
    ]


CANVAS = """\
platforms:
  - name: north
    issuer: https://canvas.instructure.com
    registrations:
      - client_id: "1"
        deployment_ids: ["1:a"]
        authorize_url: https://sso.example.com/auth
        token_url: https://north.example.com/token
        keyset_url: https://sso.example.com/keys
  - name: south
    issuer: https://canvas.instructure.com
    registrations:
      - client_id: "1"
        deployment_ids: ["2:b"]
        authorize_url: https://sso.example.com/auth
        token_url: https://south.example.com/token
        keyset_url: https://sso.example.com/keys
"""


def test_institutions_of_one_canvas_share_issuer_and_client_id():
    assert problems(CANVAS) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("2:b", "1:a", "client id 1 with deployment id 1:a belongs to platform north"),
        ('"2:b"', "", "told apart by their deployment ids"),
        ("sso.example.com/keys\n", "else.example.com/keys\n", "need the same authorize_url"),
    ],
)
def test_what_two_platforms_cannot_both_have_is_told_with_its_line(old, new, told):
    before, last = CANVAS[: CANVAS.index("south")], CANVAS[CANVAS.index("south") :]
    (problem,) = problems(before + last.replace(old, new))
    assert problem.startswith("south: line 13, registrations[1].client_id: ") and told in problem


def test_a_registration_has_one_key():
    (told,) = problems("""\
        platforms:
          - name: uni
            issuer: https://a
            registrations:
              - {client_id: c, authorize_url: "https://a/a", token_url: "https://a/t"}
        """)
    assert told == "uni: line 5, registrations[1]: needs either keyset_url or public_key"


def test_defaults_may_be_shared_by_a_yaml_merge():
    checked = check_text(
        textwrap.dedent("""\
        courses:
          - &base {slug: a, title: A, memory: 1G}
          - {<<: *base, slug: b}
        """)
    )
    assert [(course.slug, course.memory.limit) for course in checked.file.courses] == [
        ("a", 2**30),
        ("b", 2**30),
    ]


def test_a_hostile_file_ends_soon_in_a_problem(monkeypatch):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert "holds too much" in problems("\n".join(lines))[0]
    assert "holds too much" in problems("a: " + "[" * 100 + "]" * 100)[0]
    monkeypatch.setattr(filecheck, "MAX_CHARACTERS", 100)
    assert problems("x" * 101) == ["the file is too big: at most 100 characters"]


def test_data_without_lines_names_the_field_alone():
    (problem,) = check_data({"courses": [{"slug": "a", "title": "A", "memory": "2 GB"}]}).problems
    assert str(problem).startswith('a: memory.limit: "2 GB" is not a size')


def test_what_one_machine_cannot_give_is_named():
    spec = check_text(GOOD).file.courses[0].model_copy(update={"storage": 5})
    named = [note.split(" ")[1] for note in not_on_one_machine(spec)]
    assert named == ["cpu", "memory", "storage", "idle_timeout"]
    assert not_on_one_machine(check_text(GOOD).file.courses[1]) == []


CLUSTER = """\
courses:
  - slug: ml101
    title: ML
    storage_class: fast
    resources: {nvidia.com/gpu: 1}
    node_selector: {example.org/pool: gpu}
    tolerations: [{key: gpu, effect: NoSchedule}]
    variables: {DATA: /data}
    shared: {size: 20G}
    quota: {servers: 40, cpu: 10, memory: 20G, storage: 200G}
    egress: on
    profiles: [{title: Small, cpu: 1}, {title: GPU, resources: {nvidia.com/gpu: 1}}]
    autograde: apart
    grader: {storage: 5G}
"""


def test_what_only_a_cluster_has_is_a_spec_and_named_on_one_machine():
    (spec,) = check_text(CLUSTER).file.courses
    assert spec.egress.internet and spec.quota.servers == 40 and spec.profiles[0].cpu.limit == 1
    assert CoursesFile.model_validate(CoursesFile(courses=(spec,)).model_dump(mode="json")).courses == (spec,)
    named = {note.split(" ")[1].rstrip(":") for note in not_on_one_machine(spec)}
    assert named == {
        *("grader.storage", "quota", "egress", "storage_class", "resources", "node_selector", "tolerations"),
        *("variables", "shared", "profiles", "autograde"),
    }


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("resources: {gpu: 1}", '"gpu" is not the name of a resource that nodes offer, like nvidia.com/gpu'),
        ("resources: {nvidia.com/gpu: 0}", "0 is too little: at least 1"),
        ("resources: {kubernetes.io/batch: 1}", "is not a resource that a course can ask for"),
        ("node_selector: {'a b': c}", "is not the name of a label or taint of nodes"),
        ("node_selector: {pool: 'a b'}", "is not the value of a label"),
        ("tolerations: [{key: gpu, effect: Never}]", '"Never" is not one of'),
        ("variables: {JUPYTERHUB_API_TOKEN: x}", '"JUPYTERHUB_API_TOKEN" is set by the hub: choose another name'),
        ("variables: {LD_PRELOAD: /x.so}", '"LD_PRELOAD" is set by the hub: choose another name'),
        ("variables: {1A: x}", '"1A" is not the name of an environment variable'),
        ("storage_class: Fast Disks", "is not a name of Kubernetes'"),
        ("shared: {}", "is missing"),
        ("quota: {servers: 0}", "0 is too little: at least 1"),
        ("egress: {to: [{cidr: 10.0.0.1/8}]}", '"10.0.0.1/8" is not a range of addresses'),
        ("egress: {to: [{cidr: 10.0.0.0/8, ports: [0]}]}", "0 is too little: at least 1"),
        ("profiles: [{title: Big, memory: {guarantee: 2G, limit: 1G}}]", "what is guaranteed is more than the limit"),
        ("autograde: sometimes", "\"sometimes\" is not one of 'apart' or 'server'"),
    ],
)
def test_what_a_cluster_could_not_take_is_told_in_the_file(written, told):
    (problem,) = problems(f"courses:\n  - slug: ml101\n    title: ML\n    {written}\n")
    assert problem.startswith("ml101: line 4, ") and told in problem


def test_what_a_cluster_cannot_give_or_not_without_egress_is_named():
    spec = check_text(GOOD).file.courses[0]
    assert not_on_a_cluster(spec) == [
        "ml101: environment.python does not apply on a cluster: set environment.image instead",
        "ml101: materials and start_from are fetched by the course's servers, and its egress allows nothing",
    ]
    assert not_on_a_cluster(check_text(CLUSTER).file.courses[0]) == []
