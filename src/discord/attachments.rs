//! Files that come with a message: fetched when the prompt is accepted, because Discord's addresses expire.

use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use uuid::Uuid;

use crate::chain::Chain;
use crate::domain::ids::PromptId;
use crate::domain::prompt::Attachment;

/// The only hosts that files are fetched from, over https and without redirects (RELIABILITY T11).
const HOSTS: [&str; 2] = ["cdn.discordapp.com", "media.discordapp.net"];

/// All files of a message are fetched within this time, and the rest is not taken: who wrote next in the channel waits.
const FETCH_MAX: Duration = Duration::from_mins(1);

/// Fetches files from Discord's CDN, and stores them.
pub struct Files {
    client: reqwest::Client,
    dir: PathBuf,
    bytes_max: u64,
    count_max: usize,
}

/// A file as a message names it.
#[derive(Debug, Clone)]
pub struct Offered {
    /// Its name.
    pub name: String,
    /// Where it can be fetched.
    pub url: String,
    /// What Discord says it is.
    pub content_type: Option<String>,
    /// Its length in bytes, as Discord says.
    pub bytes: u64,
}

/// Why a file was not taken. The prompt goes on without it, and says so.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is larger than `limits.attachment_bytes_max`.
    #[error("too large")]
    TooLarge,
    /// Its address is not one of Discord's.
    #[error("not on Discord's hosts")]
    ForeignHost,
    /// It could not be fetched.
    #[error("failed to fetch")]
    Fetch(#[from] reqwest::Error),
    /// The files of the message took longer than [`FETCH_MAX`].
    #[error("took too long")]
    TooLate(#[from] tokio::time::error::Elapsed),
    /// It could not be stored.
    #[error("failed to store")]
    Store(#[from] std::io::Error),
}

impl Files {
    /// Stores below `dir`; the limits are those of the configuration.
    pub fn new(client: reqwest::Client, dir: PathBuf, bytes_max: u64, count_max: usize) -> Self {
        Self { client, dir, bytes_max, count_max }
    }

    /// Fetches what was offered. What could not be taken comes back with a few words why.
    pub async fn fetch(
        &self,
        prompt: PromptId,
        offered: Vec<Offered>,
    ) -> (Vec<Attachment>, Vec<(String, String)>) {
        let deadline = tokio::time::Instant::now() + FETCH_MAX;
        let (mut taken, mut refused) = (Vec::new(), Vec::new());
        for (index, file) in offered.into_iter().enumerate() {
            if index >= self.count_max {
                refused.push((file.name, "too many files".to_owned()));
                continue;
            }
            let fetched = tokio::time::timeout_at(deadline, self.fetch_one(prompt, index, &file)).await;
            match fetched.map_err(FileError::from).flatten() {
                Ok(attachment) => taken.push(attachment),
                Err(error) => {
                    tracing::warn!(%prompt, error = %Chain(&error), "an attachment was not taken");
                    refused.push((file.name, error.to_string()));
                }
            }
        }
        (taken, refused)
    }

    /// Copies files that came with another prompt, so that each prompt has its own. Those that are not there any more come
    /// back by name.
    pub async fn copy(&self, prompt: PromptId, known: &[Attachment]) -> (Vec<Attachment>, Vec<String>) {
        let (mut copied, mut gone) = (Vec::new(), Vec::new());
        for (index, file) in known.iter().enumerate() {
            match self.copy_one(prompt, index, file).await {
                Ok(attachment) => copied.push(attachment),
                Err(error) => {
                    tracing::warn!(%prompt, error = %Chain(&error), "a file could not be copied");
                    gone.push(file.name.clone());
                }
            }
        }
        (copied, gone)
    }

    /// Stores a text of ours with a prompt: beside all files that are fetched or copied for it.
    pub async fn write(&self, prompt: PromptId, name: &str, text: &[u8]) -> std::io::Result<Attachment> {
        let mut target = self.create(prompt, self.count_max, name).await?;
        target.file.write_all(text).await?;
        let path = target.finish().await?;
        let content_type = Some("text/markdown".to_owned());
        Ok(Attachment { name: name.to_owned(), content_type, bytes: text.len() as u64, path })
    }

    async fn copy_one(
        &self,
        prompt: PromptId,
        index: usize,
        file: &Attachment,
    ) -> std::io::Result<Attachment> {
        let mut target = self.create(prompt, index, &file.name).await?;
        let mut source = tokio::fs::File::open(&file.path).await?;
        tokio::io::copy(&mut source, &mut target.file).await?;
        Ok(Attachment { path: target.finish().await?, ..file.clone() })
    }

    /// An empty file for a prompt.
    async fn create(&self, prompt: PromptId, index: usize, name: &str) -> std::io::Result<Target> {
        let dir = self.dir.join(prompt.to_string());
        tokio::fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir).await?;
        let path = dir.join(format!("{index}_{}", file_name(name)));
        let part = dir.join(format!("{index}_{}.part", Uuid::new_v4().simple()));
        let mut options = tokio::fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&part).await?;
        Ok(Target { path, part: Part(part), file })
    }

    async fn fetch_one(
        &self,
        prompt: PromptId,
        index: usize,
        file: &Offered,
    ) -> Result<Attachment, FileError> {
        if file.bytes > self.bytes_max {
            return Err(FileError::TooLarge);
        }
        let url = reqwest::Url::parse(&file.url).map_err(|_| FileError::ForeignHost)?;
        if url.scheme() != "https" || !url.host_str().is_some_and(|host| HOSTS.contains(&host)) {
            return Err(FileError::ForeignHost);
        }
        let mut target = self.create(prompt, index, &file.name).await?;
        let mut body = self.client.get(url).send().await?.error_for_status()?.bytes_stream();
        let mut bytes = 0;
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            bytes += chunk.len() as u64;
            if bytes > self.bytes_max {
                return Err(FileError::TooLarge);
            }
            target.file.write_all(&chunk).await?;
        }
        let path = target.finish().await?;
        Ok(Attachment { name: file.name.clone(), content_type: file.content_type.clone(), bytes, path })
    }
}

/// A file that is being written. It has its name once it is whole: the same message may be taken twice at a time, live and
/// as one that was missed, and the one that fails must not leave the other a cut file.
struct Target {
    path: PathBuf,
    part: Part,
    file: tokio::fs::File,
}

impl Target {
    /// It is whole; gives where it is.
    async fn finish(self) -> std::io::Result<PathBuf> {
        self.file.sync_all().await?;
        tokio::fs::rename(&self.part.0, &self.path).await?;
        Ok(self.path)
    }
}

/// Removed when it is dropped, unless it got its name.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // Not there: it has its name.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A name that is safe in a directory of ours and still says what it is.
fn file_name(name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' })
        .collect();
    let safe = safe.trim_start_matches('.');
    let cut: String = safe.chars().rev().take(80).collect::<Vec<_>>().into_iter().rev().collect();
    if cut.is_empty() { "file".to_owned() } else { cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_directory() {
        assert_eq!(file_name("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(file_name("a b\u{202e}\0.png"), "a_b__.png");
        assert_eq!(file_name("..."), "file");
        assert_eq!(file_name("/"), "_");
        assert!(file_name(&"x".repeat(500)).len() <= 80);
    }
}
