use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;

use super::keys::{Form, KEYS};
use super::*;
use crate::domain::ids::{GuildId, RoleId, UserId};
use crate::domain::tier::Tier;

const EXAMPLE: &str = include_str!("../../config.example.toml");
const PROJECT: &str = "[[projects]]\nname = \"a\"\nchannel_id = 7\ndir = \"/srv/a\"\n";

fn env(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn file_of(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    std::fs::write(&file, text).unwrap();
    (dir, file)
}

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let (_dir, file) = file_of(text);
    Config::load(Some(&file), &env(variables))
}

/// What the person reads, with the directory of the test taken out.
fn complaint(text: &str, variables: &[(&str, &str)]) -> String {
    let (dir, file) = file_of(text);
    let error = Config::load(Some(&file), &env(variables)).unwrap_err();
    error.to_string().replace(&format!("{}/", dir.path().display()), "")
}

/// The example with the keys uncommented that have no default. (`##` begins a comment inside of a commented table.)
fn example_in_full() -> String {
    let uncomment = |line: &str| match line.strip_prefix('#') {
        Some(rest)
            if rest.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_uppercase() || c == '[') =>
        {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    EXAMPLE.lines().map(uncomment).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_equals_the_defaults() {
    let config = load(EXAMPLE, &[]).unwrap();
    assert_eq!(config.to_masked_toml(), Config::default().to_masked_toml());
    assert!(config.projects.is_empty());
}

#[test]
fn the_example_shows_every_key_and_each_is_valid() {
    let text = example_in_full();
    // One of the two ways to give the token at a time.
    let without_token: Vec<_> = text.lines().filter(|line| !line.starts_with("token = ")).collect();
    load(&without_token.join("\n"), &[]).unwrap();
    let root: toml::Table = text.parse().unwrap();
    for (key, form) in KEYS.iter().filter(|(_, form)| *form != Form::Table) {
        let mut here = Some(&toml::Value::Table(root.clone()));
        for part in key.split('.') {
            here = here.and_then(|value| value.get(0).unwrap_or(value).get(part));
        }
        assert!(here.is_some(), "{key} ({form:?}) is missing from the example");
    }
}

#[test]
fn no_file_is_the_defaults_over_which_the_environment_lies() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().to_str().unwrap();
    let config =
        Config::load(None, &env(&[("XDG_CONFIG_HOME", empty), ("SWITCHBOARD_STATE_DIR", "/tmp/s")])).unwrap();
    assert_eq!(config.file, None);
    assert_eq!(config.state_dir, Path::new("/tmp/s"));
    assert_eq!(config.log_dir(), Path::new("/tmp/s/logs"));
}

#[test]
fn the_file_is_found_in_the_order_that_is_documented() {
    let (dir, file) = file_of("state_dir = \"/named\"");
    let user = dir.path().join("switchboard");
    std::fs::create_dir(&user).unwrap();
    std::fs::write(user.join("config.toml"), "state_dir = \"/user\"").unwrap();
    let home = dir.path().to_str().unwrap();
    let named = file.to_str().unwrap();

    let by_home = Config::load(None, &env(&[("XDG_CONFIG_HOME", home)])).unwrap();
    assert_eq!(by_home.state_dir, Path::new("/user"));
    let by_variable =
        Config::load(None, &env(&[("XDG_CONFIG_HOME", home), ("SWITCHBOARD_CONFIG", named)])).unwrap();
    assert_eq!(by_variable.state_dir, Path::new("/named"));
    let missing = Config::load(Some(Path::new("/nowhere/c.toml")), &env(&[])).unwrap_err();
    insta::assert_snapshot!(missing, @"failed to read the configuration file /nowhere/c.toml: No such file or directory (os error 2)");
}

#[test]
fn the_environment_overrides_the_file() {
    let config = load(
        "[limits]\nturn_secs_max = 5\n[log]\nlevel = \"warn\"\n[claude.env]\nA = \"1\"\nB = \"1\"",
        &[
            ("SWITCHBOARD_LIMITS__TURN_SECS_MAX", "60"),
            ("SWITCHBOARD_ACCESS__USERS", "1, 2"),
            ("SWITCHBOARD_ACCESS__ROLES", "[3, \"4\"]"),
            ("SWITCHBOARD_ACCESS__EVERYONE", "true"),
            ("SWITCHBOARD_CLAUDE__MODEL", "1234"),
            ("SWITCHBOARD_CLAUDE__ENV__B", "2"),
            ("SWITCHBOARD_CLAUDE__ENV__MixedCase", "3"),
            ("SWITCHBOARD_DISCORD__GUILD_ID", "9"),
            ("LOG_LEVEL", "DEBUG"),
            ("UNRELATED", "x"),
        ],
    )
    .unwrap();
    assert_eq!(config.limits.turn_secs_max, 60);
    assert_eq!(config.access.users, [UserId(1), UserId(2)]);
    assert_eq!(config.access.roles, [RoleId(3), RoleId(4)]);
    assert!(config.access.everyone);
    assert_eq!(config.claude.model.as_deref(), Some("1234"));
    let pairs: Vec<_> = config.claude.env.0.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(pairs, [("A", "1"), ("B", "2"), ("MixedCase", "3")]);
    assert_eq!(config.discord.guild_id, Some(GuildId(9)));
    assert_eq!(config.log.level, "DEBUG");
}

#[test]
fn the_prefixed_variable_wins_over_the_short_one_and_an_empty_short_one_is_none() {
    let both = load("", &[("LOG_LEVEL", "debug"), ("SWITCHBOARD_LOG__LEVEL", "trace")]).unwrap();
    assert_eq!(both.log.level, "trace");
    let empty = load("", &[("LOG_LEVEL", ""), ("DISCORD_TOKEN", "")]).unwrap();
    assert_eq!(empty.log.level, "info");
    assert!(empty.discord.token.is_none());
}

#[test]
fn a_token_of_digits_alone_is_a_text() {
    let config = load("", &[("DISCORD_TOKEN", "00123456789")]).unwrap();
    assert_eq!(config.discord.discord_token().unwrap().expose_secret(), "00123456789");
}

#[test]
fn a_token_in_the_environment_replaces_the_one_in_the_file() {
    let in_file = "[discord]\ntoken_file = \"/nowhere\"";
    let config = load(in_file, &[("DISCORD_TOKEN", "abc")]).unwrap();
    assert_eq!(config.discord.discord_token().unwrap().expose_secret(), "abc");
    let config =
        load("[discord]\ntoken = \"t\"", &[("SWITCHBOARD_DISCORD__TOKEN_FILE", "/nowhere")]).unwrap();
    assert!(config.discord.token.is_none());
}

#[test]
fn a_token_file_is_for_its_owner_alone() {
    let (dir, file) = file_of("[discord]\ntoken_file = \"token\"");
    let token = dir.path().join("token");
    std::fs::write(&token, "abc.def\n").unwrap();
    let config = Config::load(Some(&file), &env(&[])).unwrap();
    let ask = || {
        let result = config.discord.discord_token().map(|token| token.expose_secret().to_owned());
        result.map_err(|error| error.to_string().replace(&format!("{}/", dir.path().display()), ""))
    };
    let mode = |mode| std::fs::set_permissions(&token, std::fs::Permissions::from_mode(mode)).unwrap();

    mode(0o600);
    assert_eq!(ask().as_deref(), Ok("abc.def"));
    mode(0o640);
    insta::assert_snapshot!(ask().unwrap_err(), @"discord.token_file: token can be read by others (mode 640); run `chmod 600 token`");
    mode(0o600);
    std::fs::write(&token, "\n").unwrap();
    insta::assert_snapshot!(ask().unwrap_err(), @"discord.token_file: token: the token is empty; paste the one of the developer portal");
    std::fs::remove_file(&token).unwrap();
    insta::assert_snapshot!(ask().unwrap_err(), @"discord.token_file: failed to read token: No such file or directory (os error 2)");
    let none = load("", &[]).unwrap().discord.discord_token().unwrap_err();
    insta::assert_snapshot!(none, @"discord.token_file: there is no Discord token; put it into a file (chmod 600) and name that here, or set DISCORD_TOKEN (developer portal: your application, Bot, Reset Token)");
}

#[test]
fn paths_in_the_file_are_relative_to_it() {
    let (dir, file) = file_of("state_dir = \"state\"\n[discord]\nca_file = \"ca.pem\"");
    let config = Config::load(Some(&file), &env(&[("SWITCHBOARD_LOG__DIR", "logs")])).unwrap();
    assert_eq!(config.state_dir, dir.path().join("state"));
    assert_eq!(config.discord.ca_file, Some(dir.path().join("ca.pem")));
    assert_eq!(config.log_dir(), std::env::current_dir().unwrap().join("logs"));
}

#[test]
fn unknown_keys_name_the_nearest() {
    let text = format!(
        "turn_secs_max = 3\n[limits]\nturn_secs = 3\n[acess]\nusers = []\n[claude]\nmodle = \"x\"\nzzz = 1\n{PROJECT}\
         channel = 1\n"
    );
    insta::assert_snapshot!("unknown_keys", complaint(&text, &[("SWITCHBOARD_LIMITS_TURN_SECS_MAX", "3")]));
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let text = "[discord]\ntoken = \"a b\"\ntoken_file = \"x\"\napi_resolve = \"localhost\"\n[access]\nusers = [\"me\"]\n\
                [limits]\nturn_secs_max = 0\nrunning_turns_max = 0\nattachment_bytes_max = 0\n";
    insta::assert_snapshot!("many_problems", complaint(text, &[]));
    let text = "[claude]\ncommand = \"./claude\"\nmodel = \"\"\nslash_commands = [\"/x\", \"a b\"]\n\
                inherit_env = [\"DISCORD_TOKEN\"]\nenv = { \"A=\" = \"1\", SWITCHBOARD_X = \"2\" }\n\
                [log]\nlevel = \"info,hyper=wran\"\nfile_bytes_max = 1\nfiles_kept = 0\n[limits]\nqueued_prompts_max = -1\n";
    insta::assert_snapshot!("values", complaint(text, &[]));
    insta::assert_snapshot!("permission_mode", complaint("[claude]\npermission_mode = \"acceptedits\"", &[]));
    insta::assert_snapshot!(
        "environment",
        complaint("", &[("LOG_LEVEL", "WARNING"), ("SWITCHBOARD_PROJECTS", "x")])
    );
}

#[test]
fn projects_are_checked_alone_and_against_each_other() {
    let text = "[[projects]]\nname = \"a\"\nchannel_id = \"7\"\ndir = \"/srv/a\"\n\
                [[projects]]\nname = \"A\"\nchannel_id = 7\ndir = \"srv\"\nmodel = \"-x\"\nallowed_tools = [\"\"]\n\
                [[projects]]\nchannel_id = 0\ndir = \"/srv\"\nrespond_to = \"mention\"\n\
                [[projects]]\nname = \"\"\nchannel_id = 8\ndir = \"/srv\"\n";
    insta::assert_snapshot!("projects", complaint(text, &[]));
    insta::assert_snapshot!("projects_not_a_list", complaint("[projects]\nname = \"a\"", &[]));
}

#[test]
fn what_is_no_toml_is_shown_with_its_place() {
    insta::assert_snapshot!("syntax", complaint("[limits]\nturn_secs_max = \n", &[]));
}

#[test]
fn a_project_overrides_what_it_names() {
    let text = format!(
        "[access]\nusers = [1]\neveryone = true\n[claude]\nmodel = \"sonnet\"\n{PROJECT}\
         [[projects]]\nname = \"b\"\nchannel_id = 8\ndir = \"/srv/b\"\nroles = [5]\nmodel = \"opus\"\n\
         permission_mode = \"acceptEdits\"\nslash_commands = []\n"
    );
    let config = load(&text, &[]).unwrap();
    let (a, b) = (config.project_for(ChannelId(7)).unwrap(), config.project_named("b").unwrap());
    assert!(config.project_for(ChannelId(9)).is_none());
    assert_eq!(config.model_for(a), Some("sonnet"));
    assert_eq!(config.model_for(b), Some("opus"));
    assert_eq!(config.permission_mode_for(a), PermissionMode::Default);
    assert_eq!(config.permission_mode_for(b).to_string(), "acceptEdits");
    assert_eq!(config.slash_commands_for(a), ["compact", "context", "usage"]);
    assert!(config.slash_commands_for(b).is_empty());
    let of = |project| config.access_anywhere(project).grants[0];
    assert!(of(a).everyone);
    assert_eq!(of(a).users, [UserId(1)]);
    assert_eq!(of(b).users, []);
    assert_eq!(of(b).roles, [RoleId(5)]);
    assert!(!of(b).everyone);
    assert_eq!((of(a).tier, of(b).tier), (Tier::Operator, Tier::Operator));
}

#[test]
fn secrets_are_masked_and_listed() {
    let text = format!(
        "[discord]\ntoken = \"tok.en\"\n[claude]\ninherit_env = [\"PATH\", \"MY_API_KEY\"]\n\
         [claude.env]\nANTHROPIC_API_KEY = \"sk-1\"\nANTHROPIC_BASE_URL = \"https://example.org\"\n{PROJECT}"
    );
    let config = load(&text, &[]).unwrap();
    let shown = config.to_masked_toml() + &format!("{config:?}");
    assert!(!shown.contains("tok.en") && !shown.contains("sk-1"), "{shown}");
    assert!(shown.contains("token = \"***\"") && shown.contains("ANTHROPIC_API_KEY = \"***\""), "{shown}");
    assert!(shown.contains("ANTHROPIC_BASE_URL = \"https://example.org\""), "{shown}");
    assert_eq!(
        config.secret_values(&env(&[("MY_API_KEY", "sk-2"), ("PATH", "/bin")])),
        ["sk-1", "sk-2", "tok.en"]
    );
    // What is printed can be read again, but for the secrets.
    load(&config.to_masked_toml(), &[]).unwrap();
}

#[test]
fn rules_are_checked_and_what_would_switch_them_off_is_refused() {
    let said = complaint("[policy]\nallow = [\"Bash(git\"]\n", &[]);
    assert!(said.contains("policy.allow") && said.contains("closing parenthesis"), "{said}");
    for args in ["--settings={}", "--bare", "--safe-mode"] {
        let said = complaint(&format!("[claude]\nargs = [{args:?}]\n"), &[]);
        assert!(said.contains("claude.args") && said.contains("catastrophe"), "{said}");
    }
    for name in ["CLAUDE_CODE_SIMPLE", "CLAUDE_CODE_SAFE_MODE"] {
        let said = complaint(&format!("[claude.env]\n{name} = \"1\"\n"), &[]);
        assert!(said.contains(&format!("claude.env.{name}")) && said.contains("catastrophe"), "{said}");
        let said = complaint(&format!("[claude]\ninherit_env = [\"PATH\", {name:?}]\n"), &[]);
        assert!(said.contains("claude.inherit_env") && said.contains(name), "{said}");
    }
}

#[test]
fn what_would_not_be_inherited_is_not_listed_in_vain() {
    for name in ["CLAUDE_CODE_USE_BEDROCK", "CLAUDECODE", "NOTIFY_SOCKET"] {
        let said = complaint(&format!("[claude]\ninherit_env = [\"PATH\", {name:?}]\n"), &[]);
        assert!(said.contains(&format!("{name} is never inherited")), "{said}");
        assert!(load(&format!("{PROJECT}[claude.env]\n{name} = \"1\"\n"), &[]).is_ok());
    }
    assert!(load(&format!("[claude]\ninherit_env = [\"CLAUDE_CODE_OAUTH_TOKEN\"]\n{PROJECT}"), &[]).is_ok());
}
