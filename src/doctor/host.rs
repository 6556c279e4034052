//! The host's side: directories, disk, the CLI.

use std::path::Path;

use nix::unistd::{AccessFlags, access, geteuid};

use super::{Finding, bad, doubtful, good};
use crate::claude::launch::{Settings, env as child_env};
use crate::claude::probe::{ProbeError, VERSION_MIN, probe};
use crate::config::{Config, Environment, PermissionMode};
use crate::disk;
use crate::domain::tier::Tier;
use crate::runner::local::has_control_groups;

pub(super) fn state_dir(config: &Config) -> Vec<Finding> {
    let dir = &config.state_dir;
    let what = format!("state_dir {}", dir.display());
    let mut findings = vec![if dir.is_dir() {
        match access(dir, AccessFlags::W_OK | AccessFlags::X_OK) {
            Ok(()) => good(what, "can be written"),
            Err(error) => bad(what, format!("cannot be written ({error}): chown it to this user")),
        }
    } else {
        match existing_parent(dir) {
            Some(parent) if access(parent, AccessFlags::W_OK).is_ok() => {
                good(what, "is not there yet; the bot will make it")
            }
            Some(_) | None => {
                bad(what, "is not there and cannot be made: make it, and chown it to this user")
            }
        }
    }];
    if let Ok(free) = disk::free_bytes(dir) {
        let (free, least) = (free >> 20, config.limits.disk_free_bytes_min >> 20);
        // At the least, the bot takes nothing new; it should not be close to that.
        findings.push(if free < least.saturating_mul(2) {
            bad(
                "disk",
                format!("only {free} MiB are free at state_dir; below {least} the bot takes no prompts"),
            )
        } else {
            good("disk", format!("{} GiB free at state_dir", free >> 10))
        });
    }
    findings
}

fn existing_parent(dir: &Path) -> Option<&Path> {
    dir.ancestors().find(|parent| parent.is_dir())
}

/// By what the CLI's commands are held together. The service has its own group, so it may find more than a shell.
pub(super) fn control_groups() -> Finding {
    if has_control_groups() {
        good("control groups", "each CLI gets its own here, and nothing that it began outlives it")
    } else {
        doubtful(
            "control groups",
            "none can be made from here (cgroup v2 with Delegate=yes is needed; the log of the service says whether it \
             has them): what a CLI began ends with it all the same; only if the bot's own shim is killed, a command that \
             cleared its environment lives on",
        )
    }
}

pub(super) fn projects(config: &Config) -> Vec<Finding> {
    if config.projects.is_empty() {
        return vec![bad("projects", "there is none: add a [[projects]] table to the configuration")];
    }
    let mut findings = Vec::new();
    for project in &config.projects {
        let what = format!("project {}", project.name);
        findings.push(if !project.dir.is_dir() {
            bad(&what, format!("{} is not a directory", project.dir.display()))
        } else if access(&project.dir, AccessFlags::R_OK | AccessFlags::X_OK).is_err() {
            bad(&what, format!("{} cannot be read by this user", project.dir.display()))
        } else if access(&project.dir, AccessFlags::W_OK).is_err() {
            doubtful(&what, format!("{} cannot be written by this user", project.dir.display()))
        } else {
            good(&what, project.dir.display().to_string())
        });
        let rule = config.access_anywhere(project);
        if rule.is_empty() {
            findings.push(bad(&what, "nobody may use it: add ids to [access] users or roles"));
        } else if rule.grants.iter().any(|grant| grant.everyone && grant.tier >= Tier::Member) {
            findings.push(doubtful(&what, "everybody who sees the channel may run code on this host"));
        }
        if config.permission_mode_for(project) == PermissionMode::BypassPermissions && geteuid().is_root() {
            findings.push(bad(
                &what,
                "bypassPermissions does not work as root: run the bot as a user of its own",
            ));
        } else if config.allows_bypass(project) && geteuid().is_root() {
            findings.push(doubtful(
                &what,
                "allow_bypass is set, but Claude Code refuses bypassPermissions to root: run the bot as a user of its own",
            ));
        }
    }
    findings
}

pub(super) async fn cli(config: &Config, env: &Environment) -> Vec<Finding> {
    let mut findings = Vec::new();
    if geteuid().is_root() {
        findings.push(doubtful("user", "this is root; a user of its own is safer (README, \"On a host\")"));
    }
    let settings = Settings {
        command: config.claude.command.clone(),
        env: config.claude.env.0.clone(),
        inherit_env: config.claude.inherit_env.clone(),
        ..Settings::default()
    };
    let dir = config.projects.iter().map(|project| project.dir.clone()).find(|dir| dir.is_dir());
    let dir = dir.unwrap_or_else(std::env::temp_dir);
    let what = format!("claude ({})", settings.command);
    match probe(&settings.command, &child_env(&settings, env.clone()), &dir).await {
        Ok(found) => {
            findings.push(good(&what, format!("version {}", found.version)));
            findings.push(if found.info.logged_in {
                let by = found.info.credentials.as_deref().unwrap_or("a login of its own");
                good("claude login", format!("has credentials ({by})"))
            } else {
                bad("claude login", "not logged in: run `claude` once as this user and log in, or give it ANTHROPIC_API_KEY in [claude.env]")
            });
        }
        Err(ProbeError::TooOld(version)) => findings.push(bad(
            what,
            format!("version {version} is too old: update it to {VERSION_MIN} or later"),
        )),
        Err(error @ ProbeError::Missing(_)) => findings.push(bad(
            what,
            format!("{error}: install it with `npm install -g @anthropic-ai/claude-code`, or name its path in claude.command"),
        )),
        Err(error) => findings.push(bad(what, format!("{error}: try it by hand as this user"))),
    }
    findings
}
