//! `switchboard audit`: who decided what, read from the database beside a daemon that runs, or without one. Changes
//! nothing.

use std::io::Write as _;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use clap::Subcommand;
use serde_json::json;

use crate::chain::Chain;
use crate::clock::{Clock, WallTime};
use crate::config::Config;
use crate::lifecycle::Ending;
use crate::store::audit_file::AuditFile;
use crate::store::{AuditEntry, AuditHead, StoreError};

/// What is asked of the audit.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Only what is newer: a date such as 2026-11-21, or an age such as 90m, 24h, 7d.
    #[arg(long, value_parser = since, value_name = "WHEN")]
    since: Option<Since>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Checks that no row was changed, taken away or slipped in. Exit code 1 and the first bad row if one was.
    Verify {
        /// A head that was noted before, as SEQ:HASH (this command and each start in the log tell it): finds also that
        /// the whole chain was written anew.
        #[arg(long, value_parser = head, value_name = "SEQ:HASH")]
        head: Vec<AuditHead>,
    },
}

#[derive(Debug, Clone, Copy)]
enum Since {
    Age { millis: i64 },
    At(WallTime),
}

/// Prints the audit, or verifies it.
pub async fn run(arguments: &Arguments, config: &Config) -> Ending {
    let path = config.state_dir.join("switchboard.db");
    let done = async {
        let audit = AuditFile::open(&path).await?;
        match &arguments.command {
            Some(Command::Verify { head }) => verify(&audit, head).await,
            None => print(&audit, arguments).await,
        }
    };
    done.await.unwrap_or_else(|error| {
        eprintln!("switchboard: {}: {}", path.display(), Chain(&error));
        Ending::Unexpected
    })
}

async fn verify(audit: &AuditFile, noted: &[AuditHead]) -> Result<Ending, StoreError> {
    Ok(match audit.verify(noted).await? {
        Ok(head) => {
            println!("{} rows, unchanged. Head: {}:{}", head.seq, head.seq, head.hash);
            if noted.is_empty() {
                println!(
                    "Whoever may write the file could have written all of it anew: to rule that out, note the head elsewhere \
                     and give it with --head next time."
                );
            }
            Ending::Stopped
        }
        Err(broken) => {
            println!("The audit is broken: {broken}.");
            Ending::Unexpected
        }
    })
}

async fn print(audit: &AuditFile, arguments: &Arguments) -> Result<Ending, StoreError> {
    let since = match arguments.since {
        None => WallTime(0),
        Some(Since::At(at)) => at,
        Some(Since::Age { millis }) => WallTime(Clock::start().wall().0.saturating_sub(millis)),
    };
    let mut out = std::io::stdout().lock();
    audit
        .entries(since, |entry| {
            let line = if arguments.json { as_json(&entry) } else { as_text(&entry) };
            // Whoever reads may have seen enough (`| head`).
            let _ = writeln!(out, "{line}");
        })
        .await?;
    Ok(Ending::Stopped)
}

fn as_text(entry: &AuditEntry) -> String {
    let who = entry.actor.map_or_else(|| "-".to_owned(), |actor| actor.to_string());
    // A terminal obeys what it is shown.
    let plain = |text: &str| text.escape_debug().to_string();
    format!(
        "{:>6}  {}  {who:<19}  {:<12}  {}  {}",
        entry.seq,
        time(entry.at),
        plain(&entry.action),
        plain(&entry.target),
        plain(&entry.detail)
    )
}

fn as_json(entry: &AuditEntry) -> String {
    json!({
        "seq": entry.seq,
        "at": time(entry.at),
        "at_ms": entry.at.0,
        "actor": entry.actor.map(|actor| actor.to_string()),
        "action": entry.action,
        "target": entry.target,
        "detail": entry.detail,
        "hash": entry.hash,
    })
    .to_string()
}

fn time(at: WallTime) -> String {
    let at = DateTime::<Utc>::from_timestamp_millis(at.0).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn since(text: &str) -> Result<Since, String> {
    let wrong =
        || format!("{text:?} is no time; write a date such as 2026-11-21, or an age such as 90m, 24h, 7d");
    if let Ok(date) = text.parse::<NaiveDate>() {
        let midnight = date.and_hms_opt(0, 0, 0).ok_or_else(wrong)?.and_utc();
        return Ok(Since::At(WallTime(midnight.timestamp_millis())));
    }
    let unit = text.chars().last().ok_or_else(wrong)?;
    let secs = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let count: i64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| wrong())?;
    Ok(Since::Age { millis: count.saturating_mul(secs * 1000) })
}

fn head(text: &str) -> Result<AuditHead, String> {
    let wrong = || format!("{text:?} is no head; write it as `switchboard audit verify` prints it, SEQ:HASH");
    let (seq, hash) = text.split_once(':').ok_or_else(wrong)?;
    let seq = seq.parse().map_err(|_| wrong())?;
    if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    Ok(AuditHead { seq, hash: hash.to_lowercase() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_heads_are_read() {
        assert!(matches!(since("24h"), Ok(Since::Age { millis: 86_400_000 })));
        assert!(matches!(since("2026-11-21"), Ok(Since::At(WallTime(1_795_219_200_000)))));
        for text in ["", "h", "24", "2 d", "yesterday", "3é"] {
            assert!(since(text).is_err(), "{text}");
        }
        assert_eq!(head(&format!("7:{}", "aB".repeat(32))).map(|head| head.seq), Ok(7));
        assert!(head("7:xyz").is_err() && head("7").is_err());
    }

    #[test]
    fn a_line_obeys_nobody() {
        let entry = AuditEntry {
            seq: 1,
            at: WallTime(0),
            actor: None,
            action: "stop".to_owned(),
            target: "\u{1b}[2J".to_owned(),
            detail: "a\nb".to_owned(),
            hash: String::new(),
        };
        let line = as_text(&entry);
        assert!(!line.contains('\u{1b}') && !line.contains('\n'), "{line}");
    }
}
