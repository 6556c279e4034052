//! From a file and an environment to a checked [`Config`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::error::Kind;
use figment::providers::{Format, Serialized, Toml};
use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;

use super::Config;
use super::keys::{self, Form};
use super::problem::{ConfigError, Problems};
use super::projects::{self, Project};

/// The daemon's environment, passed in so that tests can say what it is.
pub type Environment = BTreeMap<String, String>;

/// The environment of this process. Variables that are not UTF-8 are left out.
pub fn process_environment() -> Environment {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// All variables of ours begin so.
const PREFIX: &str = "SWITCHBOARD_";
/// Names the file, and is no key.
const FILE_VARIABLE: &str = "SWITCHBOARD_CONFIG";
/// Known without the prefix. What has the prefix wins over them.
const SHORT: [(&str, &str); 2] = [("DISCORD_TOKEN", "discord.token"), ("LOG_LEVEL", "log.level")];

pub(super) fn load(path: Option<&Path>, env: &Environment) -> Result<Config, ConfigError> {
    let file = locate(path, env);
    let text = match &file {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.clone(), source })?,
        None => String::new(),
    };
    let places = Places::of(&text, file.as_deref(), env)?;
    let mut problems = Problems::default();
    let root = merge(&text, env, &places, &mut problems);
    keys::check(&root, &mut problems);
    let config = build(&root, file.clone(), &places, &mut problems);
    let mut found = problems.into_found();
    if found.is_empty() {
        return Ok(config);
    }
    found.sort_by_key(|problem| places.offset(&problem.key));
    for problem in &mut found {
        problem.place = places.of_key(&problem.key);
    }
    Err(ConfigError::Invalid(found))
}

fn locate(path: Option<&Path>, env: &Environment) -> Option<PathBuf> {
    let named = path.map(Path::to_path_buf);
    let named = named.or_else(|| env.get(FILE_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from));
    named.or_else(|| {
        let home = env.get("HOME").map(|home| Path::new(home).join(".config"));
        let user = env.get("XDG_CONFIG_HOME").filter(|dir| !dir.is_empty()).map(PathBuf::from).or(home);
        let user = user.map(|dir| dir.join("switchboard/config.toml"));
        let candidates = [Some("config.toml".into()), user, Some("/etc/switchboard/config.toml".into())];
        candidates.into_iter().flatten().find(|path: &PathBuf| path.exists())
    })
}

/// Lays the environment over the file.
fn merge(text: &str, env: &Environment, places: &Places, problems: &mut Problems) -> Dict {
    let file: Dict = Figment::from(Toml::string(text)).extract().unwrap_or_default();
    let mut figment = Figment::from(Serialized::defaults(file));
    for (variable, key) in &places.variables {
        let raw = &env[variable];
        let form = if key.starts_with("claude.env.") { Some(Form::Text) } else { keys::form(key) };
        match form {
            _ if key.starts_with("projects") => {
                problems.add(key, "projects can be given in the file only");
            }
            _ if key.starts_with("access.people") => {
                problems
                    .add(key, "people can be given in the file only; for a short list there is access.users");
            }
            Some(Form::Table) | None => problems.add(key, keys::unknown(key)),
            Some(form) => figment = figment.merge(Serialized::default(key, parse(raw, form))),
        }
    }
    let mut root: Dict = figment.extract().unwrap_or_default();
    // A token in the environment, in either form, stands in the place of the one in the file.
    let given = |key: &str| places.variables.values().any(|given| given == key);
    if let Some(Value::Dict(_, discord)) = root.get_mut("discord") {
        match (given("discord.token"), given("discord.token_file")) {
            (true, false) => drop(discord.remove("token_file")),
            (false, true) => drop(discord.remove("token")),
            (true, true) | (false, false) => {}
        }
    }
    root
}

/// The value of a variable. What does not parse stays a text, and is complained about by the key's own type.
fn parse(raw: &str, form: Form) -> Value {
    let as_toml = |raw: &str| {
        let table: Option<Dict> = toml::from_str(&format!("value = {raw}")).ok();
        table.and_then(|mut table| table.remove("value"))
    };
    let text = || Value::from(raw);
    match form {
        Form::Text | Form::Table => text(),
        Form::Plain => as_toml(raw.trim()).unwrap_or_else(text),
        Form::List if raw.trim_start().starts_with('[') => as_toml(raw.trim()).unwrap_or_else(text),
        Form::List => {
            Value::from(raw.split(',').map(str::trim).filter(|word| !word.is_empty()).collect::<Vec<_>>())
        }
    }
}

fn build(root: &Dict, file: Option<PathBuf>, places: &Places, problems: &mut Problems) -> Config {
    let mut config = Config {
        state_dir: section(root, "state_dir", problems).unwrap_or_else(|| Config::default().state_dir),
        discord: section(root, "discord", problems).unwrap_or_default(),
        access: section(root, "access", problems).unwrap_or_default(),
        claude: section(root, "claude", problems).unwrap_or_default(),
        policy: section(root, "policy", problems).unwrap_or_default(),
        limits: section(root, "limits", problems).unwrap_or_default(),
        log: section(root, "log", problems).unwrap_or_default(),
        projects: Vec::new(),
        file,
    };
    if config.state_dir.as_os_str().is_empty() {
        problems.add("state_dir", "the path is empty; name a directory that the daemon may write to");
    }
    config.discord.validate(problems);
    config.claude.validate(problems);
    config.limits.validate(problems);
    config.log.validate(problems);
    let projects = projects_of(root, problems);
    projects::validate(&projects, problems);
    config.access.validate(&projects, problems);
    config.projects = projects.into_iter().map(|(_, project)| project).collect();

    let absolute = |key: &str, path: &mut PathBuf| *path = places.absolute(key, path, config.file.as_deref());
    absolute("state_dir", &mut config.state_dir);
    for (key, path) in [
        ("discord.token_file", &mut config.discord.token_file),
        ("discord.ca_file", &mut config.discord.ca_file),
        ("log.dir", &mut config.log.dir),
    ] {
        if let Some(path) = path {
            absolute(key, path);
        }
    }
    config
}

/// One section. What is wrong in it is taken out and the rest read again, so that all that is wrong is found.
fn section<T: DeserializeOwned>(root: &Dict, key: &str, problems: &mut Problems) -> Option<T> {
    let mut value = root.get(key)?.clone();
    loop {
        let error: figment::Error = match value.deserialize() {
            Ok(section) => return Some(section),
            Err(error) => error,
        };
        let wrong = error.path.first().cloned();
        add_errors(key, error, problems);
        let Value::Dict(_, keys) = &mut value else { return None };
        keys.remove(&wrong?)?;
    }
}

fn projects_of(root: &Dict, problems: &mut Problems) -> Vec<(usize, Project)> {
    match root.get("projects") {
        None => Vec::new(),
        Some(Value::Array(_, items)) => {
            let read = |(index, item): (usize, &Value)| match item.deserialize() {
                Ok(project) => Some((index, project)),
                Err(error) => {
                    add_errors(&format!("projects[{index}]"), error, problems);
                    None
                }
            };
            items.iter().enumerate().filter_map(read).collect()
        }
        Some(_) => {
            problems.add("projects", "write [[projects]], with two brackets, above each project");
            Vec::new()
        }
    }
}

fn add_errors(base: &str, errors: figment::Error, problems: &mut Problems) {
    for error in errors {
        let mut key = base.to_owned();
        for part in &error.path {
            match part.parse::<usize>() {
                Ok(index) => key = format!("{key}[{index}]"),
                Err(_) => key = format!("{key}.{part}"),
            }
        }
        match error.kind {
            Kind::MissingField(field) => {
                problems.add(format!("{key}.{field}"), "this key is needed and has no default; add it");
            }
            Kind::UnknownVariant(word, known) => {
                let nearest = keys::nearest(&word, known.iter().copied());
                let hint = nearest.map_or_else(String::new, |known| format!("; did you mean {known:?}?"));
                problems.add(key, format!("{word:?} is none of {}{hint}", known.join(", ")));
            }
            Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
                let expected = match expected.as_str() {
                    "usize" | "u64" => "a whole number, 0 or more",
                    "a string" => "a text in quotes",
                    "a boolean" => "true or false",
                    "a sequence" => "a list in [brackets]",
                    other => other,
                };
                problems.add(key, format!("found {found}; write {expected}"));
            }
            other => problems.add(key, other.to_string()),
        }
    }
}

/// Where each key was given: to say so when it is wrong.
struct Places<'a> {
    text: &'a str,
    file: Option<&'a Path>,
    root: toml::de::DeTable<'a>,
    /// Variable → key, later ones winning.
    variables: BTreeMap<String, String>,
}

impl<'a> Places<'a> {
    fn of(text: &'a str, file: Option<&'a Path>, env: &Environment) -> Result<Self, ConfigError> {
        // Not the line itself, as the error would show it: it may hold the token.
        let root = toml::de::DeTable::parse(text).map_err(|error| ConfigError::Syntax {
            path: file.map(Path::to_path_buf).unwrap_or_default(),
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        // "DISCORD_TOKEN" and "LOG_LEVEL" sort before "SWITCHBOARD_…", which is the order in which they are laid.
        let short =
            SHORT.iter().filter(|(variable, _)| env.get(*variable).is_some_and(|value| !value.is_empty()));
        let short = short.map(|(variable, key)| ((*variable).to_owned(), (*key).to_owned()));
        let long = env.keys().filter(|variable| variable.as_str() != FILE_VARIABLE);
        let long =
            long.filter_map(|variable| Some((variable.clone(), key_of(variable.strip_prefix(PREFIX)?))));
        Ok(Self { text, file, root: root.into_inner(), variables: short.chain(long).collect() })
    }

    /// The place of a key, or of what it stands in.
    fn of_key(&self, key: &str) -> Option<String> {
        let variable = self.variables.iter().rev().find(|(_, given)| *given == key);
        if let Some((variable, _)) = variable {
            return Some(variable.clone());
        }
        let file = self.file?;
        let line = self.offset(key).map(|offset| line_of(self.text, offset));
        line.map(|line| format!("{}:{line}", file.display()))
    }

    fn offset(&self, key: &str) -> Option<usize> {
        let mut found = None;
        let mut here = Some(&self.root);
        for part in key.split('.') {
            let (name, index) = match part.split_once('[') {
                Some((name, index)) => (name, index.trim_end_matches(']').parse::<usize>().ok()),
                None => (part, None),
            };
            let Some((known, value)) = here.and_then(|table| table.get_key_value(name)) else { break };
            let item = index.and_then(|index| value.get_ref().as_array()?.get(index));
            found = Some(item.map_or(known.span().start, |item| item.span().start));
            here = item.unwrap_or(value).get_ref().as_table();
        }
        found
    }

    /// Paths in the file are relative to the file, those in the environment to the working directory.
    fn absolute(&self, key: &str, path: &Path, file: Option<&Path>) -> PathBuf {
        if path == Path::new(super::discord::STANDARD_INPUT) {
            return path.to_owned();
        }
        let given_in_environment = self.variables.values().any(|given| given == key);
        let base = file.filter(|_| !given_in_environment).and_then(Path::parent);
        let joined = base.map_or_else(|| path.to_path_buf(), |base| base.join(path));
        std::path::absolute(&joined).unwrap_or(joined)
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or(text).matches('\n').count() + 1
}

/// `LIMITS__TURN_SECS_MAX` → `limits.turn_secs_max`; names below `CLAUDE__ENV__` stay as they are.
fn key_of(variable: &str) -> String {
    match variable.strip_prefix("CLAUDE__ENV__") {
        Some(name) => format!("claude.env.{name}"),
        None => variable.to_ascii_lowercase().replace("__", "."),
    }
}
