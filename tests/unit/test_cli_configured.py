"""What the command line goes by: which place wins, and what is refused in the files."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.cli.config_files import KEYS, project_path, read_user
from chappe.cli.config_writing import changing, table_of
from chappe.cli.configured import Configured, Given, Value, configured, token_of
from chappe.domain.errors import InvalidSetting

USER = """
context = "dev"
output = "json"
timeout = 9

[contexts.dev]
url = "http://dev:4280"
token = "chp_dev"
timeout = 5

[contexts.prod]
url = "https://prod.example"
token_file = "prod.token"
ca = "ca.pem"
protected = true
"""


DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHAPPE_CLI_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "work" / ".git").mkdir(parents=True)
    return tmp_path


def user(home: Path, text: str = USER) -> None:
    file = home / "config.toml"
    file.write_text(text)
    file.chmod(0o600)


def project(home: Path, text: str) -> None:
    (home / "work" / "chappe.toml").write_text(text)


def found(home: Path, *, environment: bool = False, **said: object) -> Configured:
    values = {key: Value(value, f"--{key}") for key, value in said.items()}
    asked = Given(environment=values) if environment else Given(flags=values)
    return configured(asked, str(home / "work"))


def refusal(home: Path) -> str:
    with pytest.raises(InvalidSetting) as caught:
        found(home)
    return caught.value.message


def test_the_documentation_has_every_key_and_where_it_may_stand() -> None:
    text = DOCUMENT.read_text(encoding="utf-8").partition("\n## The command line")[2]
    rows = re.findall(r"^\| `(\w+)` \| ([a-z, ]+) \|", text, re.M)

    assert {name: set(where.split(", ")) for name, where in rows} == {
        key: {place for place, keys in KEYS.items() if key in keys}
        for key in {key for keys in KEYS.values() for key in keys}
    }


def test_without_files_there_are_the_defaults(home: Path) -> None:
    values = found(home).values

    assert values["url"] == Value("http://127.0.0.1:4280", "default")
    assert (values["output"].value, values["timeout"].value) == ("table", 30.0)
    assert "token" not in values


def test_the_context_in_use_says_the_url_and_the_rest(home: Path) -> None:
    user(home)

    values = found(home).values

    assert values["url"] == Value("http://dev:4280", f"context dev ({home / 'config.toml'})")
    assert values["token"].value == "chp_dev"
    assert values["timeout"].value == 5.0, "the context's before the user's"
    assert values["output"] == Value("json", str(home / "config.toml"))


PLACES = ("flag", "environment", "context", "project", "user")


@pytest.mark.parametrize(
    "there", [c for n in range(1, 6) for c in itertools.combinations(PLACES, n)], ids="+".join
)
def test_the_first_place_that_says_it_wins(home: Path, there: tuple[str, ...]) -> None:
    value = {place: float(number) for number, place in enumerate(PLACES, start=1)}
    text = f"timeout = {value['user']}\n" if "user" in there else ""
    if "context" in there:
        text = (
            f'context = "c"\n{text}[contexts.c]\nurl = "http://c"\ntimeout = {value["context"]}\n'
        )
    user(home, text)
    if "project" in there:
        project(home, f"[cli]\ntimeout = {value['project']}\n")
    said = {
        place: {"timeout": Value(value[place], place)} if place in there else {}
        for place in ("flag", "environment")
    }

    chosen = configured(Given(said["flag"], said["environment"]), str(home / "work"))

    assert chosen.values["timeout"].value == value[there[0]]


def test_a_context_that_a_flag_names_is_not_led_elsewhere_by_the_environment(home: Path) -> None:
    user(home)
    url = {"url": Value("http://elsewhere", "CHAPPE_URL")}

    named = configured(Given({"context": Value("prod", "--context")}, url), str(home / "work"))
    in_use = configured(Given({}, url), str(home / "work"))

    assert named.values["url"].value == "https://prod.example"
    assert in_use.values["url"].value == "http://elsewhere"


@pytest.mark.parametrize("environment", [False, True])
def test_a_context_s_token_and_ca_go_to_no_other_hub(home: Path, environment: bool) -> None:
    user(home, USER.replace('context = "dev"', 'context = "prod"'))

    values = found(home, environment=environment, url="http://elsewhere").values

    assert "token" not in values
    assert "ca" not in values


def test_the_project_s_url_gets_no_token_of_a_context(home: Path) -> None:
    user(home, USER.replace('context = "dev"\n', ""))
    project(home, '[cli]\nurl = "http://theirs"\n')

    values = found(home).values

    assert values["url"].value == "http://theirs"
    assert "token" not in values


def test_the_project_s_context_comes_before_the_one_in_use(home: Path) -> None:
    user(home)
    project(home, '[cli]\ncontext = "prod"\n')

    assert found(home).values["url"].value == "https://prod.example"
    assert found(home, context="dev").values["url"].value == "http://dev:4280"


def test_a_token_is_read_from_its_file_beside_the_configuration(home: Path) -> None:
    user(home)
    (home / "prod.token").write_text("chp_prod\n")

    values = found(home, context="prod").values

    assert token_of(values["token"]) == "chp_prod"
    assert values["ca"].value == str(home / "ca.pem")


def test_a_token_file_that_is_not_there_is_named(home: Path) -> None:
    user(home)

    with pytest.raises(InvalidSetting, match=r"token_file: .*prod\.token"):
        token_of(found(home, context="prod").values["token"])


def test_a_hub_is_protected_however_it_is_named(home: Path) -> None:
    user(home)

    by_url = found(home, url="HTTPS://prod.example:443/").protecting()
    other = found(home).protecting()

    assert by_url is not None
    assert by_url.name == "prod"
    assert other is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tmeout = 3", ":1: tmeout: there is no such key; did you mean 'timeout'?"),
        (
            '\n\n[contexts.a]\nurl = "http://a"\nprotectd = true',
            ":5: contexts.a.protectd: there is",
        ),
        ('[contexts.a]\nurl = "ftp://a"', ":2: contexts.a.url: 'ftp://a' must be a URL of http"),
        ('[contexts.a]\ntoken = "x"', ":1: contexts.a: has no url"),
        ('[contexts."a b"]\nurl = "http://a"', "a context's name is letters"),
        ('timeout = "3"', ":1: timeout: '3' must be a number of seconds"),
        ("timeout = -1", "must be a number of seconds"),
        ('output = "tablee"', ":1: output: 'tablee' must be one of table"),
        ("contexts = 3", ":1: contexts: must be a table"),
        (
            '[contexts.a]\nurl = "http://a"\ntoken = "x"\ntoken_file = "y"',
            ":4: contexts.a.token_fil",
        ),
        ("a = [", "no TOML: "),
        ('context = "dve"\n[contexts.dev]\nurl = "http://a"', "did you mean 'dev'?"),
    ],
)
def test_what_is_wrong_in_the_user_s_file_is_named_with_its_line(
    home: Path, text: str, told: str
) -> None:
    user(home, text)

    message = refusal(home)

    assert told in message
    assert str(home / "config.toml") in message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[cli]\nurl = "http://a"\ntoken = "x"', ":3: cli.token: a token would be committed"),
        ('[cli]\ntoken_file = "/etc/shadow"', ":2: cli.token_file: a token would be"),
        (
            'port = 1\n[cli]\nulr = "http://a"',
            ":3: cli.ulr: there is no such key; did you mean 'url'",
        ),
        ("cli = 3", ":1: cli: must be a table"),
    ],
)
def test_what_is_wrong_in_a_project_s_file_is_named(home: Path, text: str, told: str) -> None:
    project(home, text)

    assert told in refusal(home)


def test_a_file_with_a_token_that_others_can_read_is_refused(home: Path) -> None:
    user(home)
    (home / "config.toml").chmod(0o644)

    assert "make it 0600" in refusal(home)


def test_a_project_is_looked_for_up_to_the_repository_s_root(home: Path) -> None:
    deep = home / "work" / "a" / "b"
    deep.mkdir(parents=True)
    (home / "chappe.toml").write_text("")

    assert project_path(str(deep)) is None, "above the root it is another's"
    project(home, "")
    assert project_path(str(deep)) == str(home / "work" / "chappe.toml")


def test_outside_of_home_and_repositories_only_the_directory_itself_counts(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(home / "nowhere"))
    below = home / "shared" / "below"
    below.mkdir(parents=True)
    (home / "shared" / "chappe.toml").write_text("")

    assert project_path(str(below)) is None
    assert project_path(str(home / "shared")) == str(home / "shared" / "chappe.toml")


def test_what_a_person_wrote_in_the_file_stays(home: Path) -> None:
    user(home, '# mine\noutput = "json"  # for jq\n\n[contexts.a]  # old\nurl = "http://a"\n')

    with changing(str(home / "config.toml")) as document:
        table_of(document, "b")["url"] = "http://b"

    text = (home / "config.toml").read_text()
    assert '# mine\noutput = "json"  # for jq' in text
    assert "# old" in text
    assert set(read_user(str(home / "config.toml")).contexts) == {"a", "b"}
    assert (home / "config.toml").stat().st_mode & 0o777 == 0o600


def test_a_change_that_fails_leaves_the_file_as_it_was(home: Path) -> None:
    user(home)

    def change() -> None:
        with changing(str(home / "config.toml")) as document:
            document["output"] = "yaml"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change()

    assert (home / "config.toml").read_text() == USER
    assert [one.name for one in home.glob(".config*")] == []


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z0-9][a-z0-9._@:-]{0,8}", fullmatch=True),
        st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20),
        min_size=1,
        max_size=4,
    )
)
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, tokens: dict[str, str]
) -> None:
    path = str(tmp_path_factory.mktemp("config") / "config.toml")
    for name, token in tokens.items():
        with changing(path) as document:
            table_of(document, name).update({"url": "http://a", "token": token})

    read = read_user(path).contexts

    assert {name: one.values["token"] for name, one in read.items()} == tokens
