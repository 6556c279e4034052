//! Files that come with a message: fetched when the prompt is accepted, because Discord's addresses expire.

use std::path::PathBuf;

use futures::StreamExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::chain::Chain;
use crate::domain::ids::PromptId;
use crate::domain::prompt::Attachment;

/// The only hosts that files are fetched from, over https and without redirects (RELIABILITY T11).
const HOSTS: [&str; 2] = ["cdn.discordapp.com", "media.discordapp.net"];

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
        let (mut taken, mut refused) = (Vec::new(), Vec::new());
        for (index, file) in offered.into_iter().enumerate() {
            if index >= self.count_max {
                refused.push((file.name, "too many files".to_owned()));
                continue;
            }
            match self.fetch_one(prompt, index, &file).await {
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
        let (path, mut target) = self.create(prompt, self.count_max, name).await?;
        target.write_all(text).await?;
        target.sync_all().await?;
        let content_type = Some("text/markdown".to_owned());
        Ok(Attachment { name: name.to_owned(), content_type, bytes: text.len() as u64, path })
    }

    async fn copy_one(
        &self,
        prompt: PromptId,
        index: usize,
        file: &Attachment,
    ) -> std::io::Result<Attachment> {
        let (path, mut target) = self.create(prompt, index, &file.name).await?;
        let mut source = tokio::fs::File::open(&file.path).await?;
        tokio::io::copy(&mut source, &mut target).await?;
        target.sync_all().await?;
        Ok(Attachment { path, ..file.clone() })
    }

    /// An empty file of a prompt.
    async fn create(
        &self,
        prompt: PromptId,
        index: usize,
        name: &str,
    ) -> std::io::Result<(PathBuf, tokio::fs::File)> {
        let dir = self.dir.join(prompt.to_string());
        tokio::fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir).await?;
        let path = dir.join(format!("{index}_{}", file_name(name)));
        // What is there already is of an earlier try that was cut off before the prompt was stored.
        let mut options = tokio::fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&path).await?;
        Ok((path, file))
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
        let (path, mut target) = self.create(prompt, index, &file.name).await?;
        let mut body = self.client.get(url).send().await?.error_for_status()?.bytes_stream();
        let mut bytes = 0;
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            bytes += chunk.len() as u64;
            if bytes > self.bytes_max {
                drop(target);
                tokio::fs::remove_file(&path).await?;
                return Err(FileError::TooLarge);
            }
            target.write_all(&chunk).await?;
        }
        target.sync_all().await?;
        Ok(Attachment { name: file.name.clone(), content_type: file.content_type.clone(), bytes, path })
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
