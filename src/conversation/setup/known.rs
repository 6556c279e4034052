//! What the CLI said of itself, kept in the store: `/model` knows its list before the first turn, and a prompt that names
//! one of the CLI's commands is told from one that only begins with a slash.

use std::collections::BTreeMap;
use std::sync::RwLock;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::{read, write};
use crate::claude::{CliInfo, Model};
use crate::store::{Store, StoreError};

/// What it said last.
const INFO_KEY: &str = "claude.info";
/// Its commands, by project.
const COMMANDS_KEY: &str = "claude.commands";

/// What the CLI said of itself.
#[derive(Debug)]
pub struct Known {
    info: RwLock<CliInfo>,
    /// The names of the slash commands by the name of the project: each may have some of its own.
    commands: RwLock<BTreeMap<String, Vec<String>>>,
    /// Held from the look to the write: several processes begin at once.
    learning: Mutex<()>,
}

impl Known {
    /// What the store has of it.
    pub async fn load(store: &Store) -> Result<Self, StoreError> {
        Ok(Self {
            info: RwLock::new(stored(store, INFO_KEY).await?),
            commands: RwLock::new(stored(store, COMMANDS_KEY).await?),
            learning: Mutex::default(),
        })
    }

    /// Remembers what it said, in this project or in none.
    pub async fn learn(&self, store: &Store, project: Option<&str>, info: CliInfo) -> Result<(), StoreError> {
        let _alone = self.learning.lock().await;
        if let Some(project) = project {
            let mut commands = read(&self.commands).clone();
            let names = names(&info);
            if commands.insert(project.to_owned(), names.clone()).as_ref() != Some(&names) {
                keep(store, COMMANDS_KEY, &commands).await?;
                write(&self.commands).insert(project.to_owned(), names);
            }
        }
        if *read(&self.info) != info {
            keep(store, INFO_KEY, &info).await?;
            *write(&self.info) = info;
        }
        Ok(())
    }

    /// The models to choose from.
    pub fn models(&self) -> Vec<Model> {
        read(&self.info).models.clone()
    }

    /// The names of the slash commands in this project; before its first process, those that it named last.
    pub fn commands(&self, project: &str) -> Vec<String> {
        let known = read(&self.commands).get(project).cloned();
        known.unwrap_or_else(|| names(&read(&self.info)))
    }
}

fn names(info: &CliInfo) -> Vec<String> {
    info.commands.iter().map(|command| command.name.clone()).collect()
}

/// What does not read any more was written by another version: the CLI says it again.
async fn stored<T: DeserializeOwned + Default>(store: &Store, key: &str) -> Result<T, StoreError> {
    let json = store.setting(key).await?;
    Ok(json.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default())
}

async fn keep<T: Serialize>(store: &Store, key: &str, value: &T) -> Result<(), StoreError> {
    match serde_json::to_string(value) {
        Ok(json) => store.set_setting(key, &json).await,
        Err(error) => {
            tracing::warn!(%error, key, "what the CLI said of itself has no form in JSON");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claude::Command;
    use crate::clock::Clock;

    fn with(name: &str) -> CliInfo {
        let command = Command {
            name: name.to_owned(),
            description: String::new(),
            argument_hint: String::new(),
            aliases: Vec::new(),
        };
        CliInfo { commands: vec![command], ..CliInfo::default() }
    }

    #[tokio::test]
    async fn each_project_keeps_its_own_commands() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("switchboard.db"), Clock::start()).await.unwrap();
        let known = Known::load(&store).await.unwrap();
        assert!(known.commands("harbor").is_empty());
        known.learn(&store, None, with("review")).await.unwrap();
        known.learn(&store, Some("harbor"), with("deploy")).await.unwrap();
        known.learn(&store, Some("reef"), with("dive")).await.unwrap();
        for known in [known, Known::load(&store).await.unwrap()] {
            assert_eq!(known.commands("harbor"), ["deploy"]);
            assert_eq!(known.commands("reef"), ["dive"]);
            assert_eq!(known.commands("new"), ["dive"], "what it named last");
        }
    }
}
