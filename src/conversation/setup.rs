//! What a conversation is launched with: its project's settings, its own choices, and what the CLI said of itself.

mod known;
mod rules;
mod stamp;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use sha2::{Digest as _, Sha256};

use self::known::Known;
use crate::chain::Chain;
use crate::claude::launch::{FLAGS, Session, Settings, env, launch};
use crate::claude::probe::{self, Probe, VERSION_MIN, Version};
use crate::claude::prompt_text::{Commands, File, INLINE_BYTES_MAX, prompt_text};
use crate::claude::{CliInfo, Model, Tuning, initialize_line};
use crate::config::{Config, Environment, PermissionMode, Project};
use crate::domain::effort::Effort;
use crate::domain::event::Failure;
use crate::domain::ids::{ProcessId, SessionId};
use crate::domain::prompt::Prompt;
use crate::runner::Launch;
use crate::store::{Conversation, Store, StoreError};

/// A spool may grow to this: as much as a very long day of one warm process.
const SPOOL_BYTES_MAX: u64 = 1 << 30;

/// The settings of all conversations.
#[derive(Debug)]
pub struct Setup {
    config: Arc<Config>,
    env: Environment,
    files_dir: PathBuf,
    program: PathBuf,
    known: Known,
    version: RwLock<Option<Version>>,
}

impl Setup {
    /// `env` is the daemon's own environment, of which the configured names are passed on; `program` this program's file.
    pub async fn new(
        config: Arc<Config>,
        env: &Environment,
        store: &Store,
        program: PathBuf,
    ) -> Result<Self, StoreError> {
        let known = Known::load(store).await?;
        let files_dir = config.state_dir.join("files");
        Ok(Self { config, env: env.clone(), files_dir, program, known, version: RwLock::default() })
    }

    /// Asks the CLI what it is, and says in the log what is wrong with it.
    pub async fn probe(&self, store: &Store) {
        match self.ask_cli().await {
            Ok(Probe { version, info }) => {
                tracing::info!(%version, logged_in = info.logged_in, models = info.models.len(), "the CLI answers");
                *write(&self.version) = Some(version);
                if let Err(error) = self.known.learn(store, None, info).await {
                    tracing::warn!(error = %Chain(&error), "the CLI's lists could not be stored");
                }
            }
            Err(probe::ProbeError::TooOld(version)) => {
                tracing::error!(%version, needed = %VERSION_MIN, "the CLI is too old");
                *write(&self.version) = Some(version);
            }
            Err(error) => {
                tracing::error!(error = %Chain(&error), "the CLI does not answer; see `switchboard doctor`");
            }
        }
    }

    /// Asks the CLI what it is. Costs no API call.
    pub async fn ask_cli(&self) -> Result<Probe, probe::ProbeError> {
        let settings = self.settings(None);
        let dir = if settings.dir.is_dir() { settings.dir.clone() } else { std::env::temp_dir() };
        probe::probe(&settings.command, &env(&settings, self.env.clone()), &dir).await
    }

    /// Remembers what the CLI said of itself in the conversation's project.
    pub async fn learn(
        &self,
        store: &Store,
        conversation: &Conversation,
        info: CliInfo,
    ) -> Result<(), StoreError> {
        self.known.learn(store, Some(&conversation.project), info).await
    }

    /// The models to choose from, as the CLI lists them.
    pub fn models(&self) -> Vec<Model> {
        self.known.models()
    }

    /// Model, mode and effort of the conversation's next turn.
    pub fn tuning(&self, conversation: &Conversation) -> Tuning {
        self.settings_for(conversation).tuning()
    }

    /// The permission mode where the conversation chooses none, in the CLI's word.
    pub fn usual_mode(&self, conversation: &Conversation) -> &'static str {
        self.settings(self.config.project_named(&conversation.project)).permission_mode.as_str()
    }

    /// The efforts that the conversation's model knows, as far as the CLI says.
    pub fn efforts(&self, conversation: &Conversation) -> Vec<Effort> {
        let model = self.tuning(conversation).model;
        let models = self.models();
        let model = models.into_iter().find(|known| known.value == model.as_deref().unwrap_or("default"));
        let words = model.and_then(|model| model.efforts);
        match words {
            Some(words) => words.iter().filter_map(|word| Effort::of(word)).collect(),
            None => Effort::ALL.to_vec(),
        }
    }

    /// The directory of the conversation's project.
    pub fn dir(&self, conversation: &Conversation) -> PathBuf {
        self.settings(self.config.project_named(&conversation.project)).dir
    }

    /// Tells launches apart: the same settings, the same CLI and the same directory, the same fingerprint. What can be
    /// changed while a process runs is not in it.
    pub fn fingerprint(&self, conversation: &Conversation) -> String {
        let project = self.config.project_named(&conversation.project);
        let settings = self.settings_for(conversation).fixed();
        let system_prompt = project.and_then(|project| project.system_prompt.as_deref());
        // A CLI that was updated, or another directory in the place of the project's, is another launch as well.
        let inherited = settings.inherit_env.iter().any(|name| name == "PATH");
        let path = settings.env.get("PATH").or_else(|| self.env.get("PATH").filter(|_| inherited));
        let cli = stamp::of_program(&settings.command, path.map(String::as_str));
        let dir = stamp::of_file(&settings.dir);
        let digest = Sha256::digest(format!("{FLAGS:?}{settings:?}{system_prompt:?}{cli:?}{dir:?}"));
        digest[..8].iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    }

    /// The launch of a process for the conversation, or why there cannot be one.
    pub async fn launch(
        &self,
        conversation: &Conversation,
        session: SessionId,
        fresh: bool,
    ) -> Result<Launch, Failure> {
        if self.config.project_named(&conversation.project).is_none() {
            return Err(Failure::DirectoryMissing);
        }
        let settings = self.settings_for(conversation);
        if !settings.dir.is_dir() {
            return Err(Failure::DirectoryMissing);
        }
        self.check_version(&settings).await?;
        let session = if fresh { Session::New(session) } else { Session::Resume(session) };
        Ok(launch(&settings, session, self.env.clone()))
    }

    /// The first line to a new process.
    pub fn initialize_line(&self, conversation: &Conversation, process: ProcessId) -> String {
        let project = self.config.project_named(&conversation.project);
        let system_prompt = project.and_then(|project| project.system_prompt.as_deref());
        initialize_line(&format!("initialize-{process}"), system_prompt)
    }

    /// What Claude gets to read of a prompt.
    pub async fn prompt_text(&self, conversation: &Conversation, prompt: &Prompt) -> String {
        let project = self.config.project_named(&conversation.project);
        let commands = project.map(|project| Commands::of(self.config.slash_commands_for(project)));
        let listed = self.known.commands(&conversation.project);
        let dir = self.dir(conversation);
        let mut texts = Vec::with_capacity(prompt.attachments.len());
        for attachment in &prompt.attachments {
            let short = attachment.bytes <= INLINE_BYTES_MAX as u64;
            let text = if short { tokio::fs::read_to_string(&attachment.path).await.ok() } else { None };
            texts.push(text.filter(|text| !text.contains('\0')));
        }
        let files: Vec<_> = prompt
            .attachments
            .iter()
            .zip(&texts)
            .map(|(attachment, text)| File { attachment, text: text.as_deref() })
            .collect();
        prompt_text(&prompt.text, &files, &commands.unwrap_or_default(), &listed, |path| {
            lies_inside(&dir, path)
        })
    }

    /// An old CLI is asked again at each launch, because somebody may have updated it meanwhile.
    async fn check_version(&self, settings: &Settings) -> Result<(), Failure> {
        let known = *read(&self.version);
        let Some(old) = known.filter(|version| !version.is_supported()) else { return Ok(()) };
        let env: BTreeMap<_, _> = env(settings, self.env.clone());
        let found = probe::version(&settings.command, &env, &settings.dir).await.unwrap_or(old);
        *write(&self.version) = Some(found);
        if found.is_supported() {
            return Ok(());
        }
        Err(Failure::CliTooOld { found: found.to_string(), needed: VERSION_MIN.to_string() })
    }

    /// The project's settings, with what the conversation chose. What the project does not allow (any more) does not
    /// count.
    fn settings_for(&self, conversation: &Conversation) -> Settings {
        let project = self.config.project_named(&conversation.project);
        let settings = self.settings(project);
        let may_bypass = project.is_some_and(|project| self.config.allows_bypass(project));
        let mode = conversation.mode.as_deref().and_then(PermissionMode::of);
        let mode = mode.filter(|mode| *mode != PermissionMode::BypassPermissions || may_bypass);
        Settings {
            model: conversation.model.clone().or(settings.model),
            permission_mode: mode.unwrap_or(settings.permission_mode),
            effort: conversation.effort.as_deref().and_then(Effort::of),
            ..settings
        }
    }

    fn settings(&self, project: Option<&Project>) -> Settings {
        let claude = &self.config.claude;
        let configured = match project {
            Some(project) => self.config.model_for(project),
            None => claude.model.as_deref(),
        };
        Settings {
            command: claude.command.clone(),
            args: claude.args.clone(),
            model: configured.map(str::to_owned),
            permission_mode: project
                .map_or(claude.permission_mode, |project| self.config.permission_mode_for(project)),
            effort: None,
            allowed_tools: project.map(|project| project.allowed_tools.clone()).unwrap_or_default(),
            disallowed_tools: project.map(|project| project.disallowed_tools.clone()).unwrap_or_default(),
            rules: project
                .map_or_else(|| self.config.policy.clone(), |project| self.config.rules_for(project)),
            policy_program: Some(self.program.clone()),
            add_dirs: vec![self.files_dir.clone()],
            dir: project.map_or_else(std::env::temp_dir, |project| project.dir.clone()),
            env: claude.env.0.clone(),
            inherit_env: claude.inherit_env.clone(),
            orphan_secs_max: self.config.limits.orphan_secs_max,
            spool_bytes_max: SPOOL_BYTES_MAX,
        }
    }
}

/// Whether the file behind an `@path` is there and lies inside the project, links followed.
fn lies_inside(dir: &Path, path: &str) -> bool {
    let (Ok(dir), Ok(path)) = (dir.canonicalize(), dir.join(path).canonicalize()) else { return false };
    path.starts_with(dir)
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::lies_inside;

    #[test]
    fn only_what_lies_inside_is_attached() {
        let project = tempfile::tempdir().expect("a directory");
        std::fs::write(project.path().join("a.txt"), "a").expect("a file");
        std::os::unix::fs::symlink("/etc/hostname", project.path().join("link")).expect("a link");
        assert!(lies_inside(project.path(), "a.txt"));
        assert!(lies_inside(project.path(), "./a.txt"));
        for outside in ["/etc/hostname", "../", "link", "missing", "a.txt/../../../etc/hostname"] {
            assert!(!lies_inside(project.path(), outside), "{outside}");
        }
    }
}
