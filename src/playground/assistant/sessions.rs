//! Sessions on disk: a small file per session and working directory, so that `--resume` finds what was said. Not the
//! CLI's own format, which is nobody's business but the CLI's.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The sessions of one working directory.
#[derive(Debug, Clone)]
pub struct Sessions {
    base: PathBuf,
    dir: PathBuf,
}

/// One session in use by this process.
#[derive(Debug)]
pub struct Session {
    /// Its id, a UUID.
    pub id: String,
    /// What was said, oldest first.
    pub entries: Vec<Entry>,
    file: Option<PathBuf>,
    /// Held for as long as the session is in use here; the operating system lets go of it whatever happens.
    _lock: Option<File>,
}

/// One message of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// `user` or `assistant`.
    pub role: String,
    /// The host's key of a user message; a second one with the same is dropped.
    pub uuid: String,
    /// What was said.
    pub text: String,
}

/// Why a session cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such session in this working directory.
    Unknown,
    /// It exists already, where a new one was asked for.
    Exists,
    /// Another live process uses it. The real CLI does not notice; a stand-in does, because it must never happen.
    InUse,
}

impl Sessions {
    /// The sessions of the working directory `dir`, kept under `base`.
    pub fn new(base: &Path, dir: &Path) -> Self {
        let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        let name: String =
            dir.to_string_lossy().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        Self { base: base.to_owned(), dir: base.join("projects").join(name) }
    }

    /// A new session with this id.
    pub fn create(&self, id: &str, persist: bool) -> Result<Session, Refusal> {
        let file = self.dir.join(format!("{id}.jsonl"));
        if file.exists() {
            return Err(Refusal::Exists);
        }
        let lock = self.lock(id)?;
        Ok(Session { id: id.to_owned(), entries: Vec::new(), file: persist.then_some(file), _lock: lock })
    }

    /// An existing session. Lines that cannot be read are skipped, as the CLI does; a file without any is unknown.
    pub fn resume(&self, id: &str) -> Result<Session, Refusal> {
        let file = self.dir.join(format!("{id}.jsonl"));
        let text = fs::read(&file).map_err(|_| Refusal::Unknown)?;
        let entries: Vec<Entry> =
            text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        if entries.is_empty() {
            return Err(Refusal::Unknown);
        }
        let lock = self.lock(id)?;
        Ok(Session { id: id.to_owned(), entries, file: Some(file), _lock: lock })
    }

    /// The id of the session that was used last.
    pub fn latest(&self) -> Option<String> {
        let newest = fs::read_dir(&self.dir)
            .ok()?
            .filter_map(Result::ok)
            .max_by_key(|entry| entry.metadata().and_then(|data| data.modified()).ok())?;
        Some(newest.path().file_stem()?.to_str()?.to_owned())
    }

    /// The file that says that two live processes had one session. Tests look for it.
    pub fn collision_marker(&self) -> PathBuf {
        self.base.join("TWO_LIVE_PROCESSES")
    }

    /// A directory that cannot be written gives a session without lock or file: the CLI runs there too.
    fn lock(&self, id: &str) -> Result<Option<File>, Refusal> {
        let live = self.base.join("live");
        let open = || -> io::Result<File> {
            fs::create_dir_all(&live)?;
            OpenOptions::new().create(true).truncate(false).write(true).open(live.join(id))
        };
        let Ok(file) = open() else { return Ok(None) };
        if file.try_lock().is_ok() {
            return Ok(Some(file));
        }
        let note = format!("session {id}: process {} met a live one\n", std::process::id());
        if let Ok(mut marker) = OpenOptions::new().create(true).append(true).open(self.collision_marker()) {
            let _ = marker.write_all(note.as_bytes());
        }
        Err(Refusal::InUse)
    }
}

impl Session {
    /// Whether the session has this user message already.
    pub fn knows(&self, uuid: &str) -> bool {
        self.entries.iter().any(|entry| entry.uuid == uuid)
    }

    /// Adds a message, on disk as well where the session is kept.
    pub fn add(&mut self, role: &str, uuid: &str, text: &str) {
        let entry = Entry { role: role.to_owned(), uuid: uuid.to_owned(), text: text.to_owned() };
        if let Some(file) = &self.file
            && let Ok(line) = serde_json::to_string(&entry)
        {
            let write = || -> io::Result<()> {
                fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
                OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(file)?
                    .write_all(format!("{line}\n").as_bytes())
            };
            // HOME not writable: the CLI runs on and forgets (its reference, §9).
            let _ = write();
        }
        self.entries.push(entry);
    }

    /// The user messages, oldest first.
    pub fn user_texts(&self) -> Vec<String> {
        self.entries.iter().filter(|entry| entry.role == "user").map(|entry| entry.text.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_again_in_its_directory_only() {
        let base = tempfile::tempdir().unwrap();
        let sessions = Sessions::new(base.path(), Path::new("/srv/one"));
        let mut session = sessions.create("a", true).unwrap();
        session.add("user", "u1", "hello");
        session.add("assistant", "u2", "hi");
        drop(session);

        let again = sessions.resume("a").unwrap();
        assert_eq!(again.user_texts(), ["hello"]);
        assert!(again.knows("u1"));
        assert_eq!(sessions.latest().as_deref(), Some("a"));
        let elsewhere = Sessions::new(base.path(), Path::new("/srv/two"));
        assert_eq!(elsewhere.resume("a").unwrap_err(), Refusal::Unknown);
    }

    #[test]
    fn garbage_is_skipped_and_nothing_else_is_unknown() {
        let base = tempfile::tempdir().unwrap();
        let sessions = Sessions::new(base.path(), Path::new("/srv/one"));
        sessions.create("a", true).unwrap().add("user", "u1", "hello");
        let file = sessions.dir.join("a.jsonl");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("garbage\n{text}{{\"role\":")).unwrap();
        assert_eq!(sessions.resume("a").unwrap().user_texts(), ["hello"]);
        fs::write(&file, "garbage").unwrap();
        assert_eq!(sessions.resume("a").unwrap_err(), Refusal::Unknown);
    }

    #[test]
    fn a_second_live_user_is_noticed() {
        let base = tempfile::tempdir().unwrap();
        let sessions = Sessions::new(base.path(), Path::new("/srv/one"));
        let first = sessions.create("a", true).unwrap();
        assert_eq!(sessions.create("a", true).unwrap_err(), Refusal::InUse);
        assert!(sessions.collision_marker().exists());
        drop(first);
        assert!(sessions.create("a", true).is_ok());
    }
}
