//! What a daemon does beside its work, again and again: cleans up, forgets what is old, gives memory back.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::files_dir;
use crate::chain::Chain;
use crate::config::Config;
use crate::conversation::registry::Registry;
use crate::discord::catch_up::CatchUp;
use crate::domain::ids::{ProcessId, PromptId};
use crate::fail_point::{Point, pass};
use crate::lifecycle::Vital;
use crate::machine;
use crate::runner::Runner as _;
use crate::runner::local::LocalRunner;
use crate::store::Store;

/// How often the database shows that it lives, finished processes are cleaned away, and memory is looked at.
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(10);
/// How often memory that nobody uses is given back: rare enough to cost nothing, often enough that a burst leaves nothing.
const GIVE_BACK_EVERY: Duration = Duration::from_mins(1);
/// How often what is old is forgotten, in batches of so many rows of each kind, with so much time for others between.
const FORGET_EVERY: Duration = Duration::from_hours(1);
const FORGET_ROWS: u32 = 100;
const FORGET_GAP: Duration = Duration::from_millis(500);

/// What the chores are done with.
pub(super) struct Chores {
    pub(super) config: Arc<Config>,
    pub(super) store: Store,
    pub(super) runner: Arc<LocalRunner>,
    pub(super) database: Vital,
    pub(super) catch_up: CatchUp,
    pub(super) registry: Registry,
}

impl Chores {
    /// Does them until the daemon stops; none waits for another.
    pub(super) async fn run(self) {
        tokio::join!(self.keep_house(), self.forget(), self.give_memory_back(), self.make_checkpoints());
    }

    async fn keep_house(&self) {
        let mut interval = tokio::time::interval(HOUSEKEEPING_EVERY);
        loop {
            interval.tick().await;
            // The machine is there for the work, and not for processes that wait for more of it.
            self.registry.ease_memory();
            if let Err(error) = self.catch_up.store(&self.store).await {
                tracing::warn!(error = %Chain(&error), "how far channels were read could not be stored");
            }
            match self.store.processes_to_forget().await {
                Ok(processes) => {
                    self.database.beat();
                    for process in processes {
                        self.forget_process(process).await;
                    }
                }
                Err(error) => {
                    tracing::error!(error = %Chain(&error), "the database does not answer");
                }
            }
        }
    }

    async fn forget_process(&self, process: ProcessId) {
        if let Err(error) = self.runner.forget(process).await {
            tracing::warn!(%process, error = %Chain(&error), "a finished process could not be cleaned away");
            return;
        }
        pass(Point::Forgotten).await;
        if let Err(error) = self.store.process_forgotten(process).await {
            tracing::warn!(%process, error = %Chain(&error), "a finished process could not be noted");
        }
    }

    /// Forgets what is done and old.
    async fn forget(&self) {
        let (store, config) = (&self.store, &self.config);
        if let Err(error) = store.forget_notices().await {
            tracing::warn!(error = %Chain(&error), "what people are told no more could not be forgotten");
        }
        let days = config.limits.history_days;
        if days == 0 {
            return;
        }
        let age = Duration::from_hours(24) * days;
        sweep_files(store, &files_dir(config), age).await;
        let mut interval = tokio::time::interval(FORGET_EVERY);
        loop {
            interval.tick().await;
            let mut rows = 0;
            loop {
                match store.forget_history(age, FORGET_ROWS).await {
                    Ok(forgotten) if forgotten.rows == 0 => break,
                    Ok(forgotten) => {
                        rows += forgotten.rows;
                        for prompt in forgotten.prompts {
                            // Most have none.
                            let _ =
                                tokio::fs::remove_dir_all(files_dir(config).join(prompt.to_string())).await;
                        }
                    }
                    Err(error) => {
                        tracing::warn!(error = %Chain(&error), "what is old could not be forgotten");
                        break;
                    }
                }
                tokio::time::sleep(FORGET_GAP).await;
            }
            if rows > 0 {
                tracing::info!(rows, days, "what is old was forgotten");
            }
        }
    }

    /// Memory that a busy hour took goes back when it is over.
    async fn give_memory_back(&self) {
        let mut interval = tokio::time::interval(GIVE_BACK_EVERY);
        loop {
            interval.tick().await;
            if let Err(error) = self.store.give_memory_back().await {
                tracing::warn!(error = %Chain(&error), "the database keeps its memory");
            }
            machine::give_memory_back();
        }
    }

    /// The database's log stays short, and no turn waits for that.
    async fn make_checkpoints(&self) {
        loop {
            if let Err(error) = self.store.checkpoint().await {
                tracing::warn!(error = %Chain(&error), "the database's log could not be shortened");
            }
        }
    }
}

/// Removes the files of prompts that were forgotten by a daemon that died before it had removed them.
async fn sweep_files(store: &Store, dir: &Path, age: Duration) {
    let Ok(mut entries) = tokio::fs::read_dir(dir).await else { return };
    while let Ok(Some(entry)) = entries.next_entry().await {
        let Ok(prompt) = entry.file_name().to_string_lossy().parse().map(PromptId) else { continue };
        let modified = entry.metadata().await.and_then(|metadata| metadata.modified());
        // Files come before the row of their prompt.
        let is_old = modified.is_ok_and(|at| at.elapsed().is_ok_and(|elapsed| elapsed > age));
        if is_old && matches!(store.prompt(prompt).await, Ok(None)) {
            let _ = tokio::fs::remove_dir_all(entry.path()).await;
        }
    }
}
