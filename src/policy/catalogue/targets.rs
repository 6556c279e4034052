//! Files that patterns look for.

use super::Look;
use crate::policy::paths::absolute;
use crate::policy::rule::EDITING;
use crate::policy::shell::Part;

/// Whether deleting it, or changing it with all that is in it, cannot be repaired: the root, what lies directly below
/// it, a home, everything in the project, what is above it, its history, or what nobody can know before it runs.
pub(super) fn is_vital(target: &str) -> bool {
    let bare = target.trim_end_matches(['*', '/']).trim_end_matches("/.");
    let above =
        !bare.is_empty() && bare.split('/').all(|part| part == ".." || part == "." || part.is_empty());
    let whole = ["*", ".*", "./*", "*.*", "."].contains(&target) || (bare.is_empty() && !target.is_empty());
    // `"$DIR/"*` is `/*` where DIR is not set.
    let unset = bare.starts_with('$') && (bare == "$(…)" || !bare.contains('/'));
    let home = bare == "~" || (bare.starts_with('~') && !bare.contains('/'));
    let depth = bare.split('/').filter(|part| !part.is_empty()).count();
    let near_root = bare.starts_with('/')
        && (depth == 1 && bare != "/tmp"
            || depth == 2
                && (bare.starts_with("/home/") || bare.starts_with("/usr/") || bare.starts_with("/var/"))
            || bare.starts_with("/etc/")
            || bare.starts_with("/boot/"));
    let history = bare == ".git" || bare.ends_with("/.git");
    above || whole || unset || home || near_root || history
}

/// The files that a part writes, besides redirections.
pub(super) fn written(part: &Part) -> Vec<&str> {
    let positional: Vec<&str> = part.positional().collect();
    let last = positional.last().copied();
    match part.program() {
        "tee" | "touch" | "truncate" | "mkdir" | "rm" | "unlink" | "chattr" | "vi" | "vim" | "nano"
        | "ed" => positional,
        "cp" | "mv" | "ln" | "install" | "rsync" | "scp" => {
            let dir = part.args().skip_while(|arg| *arg != "-t").nth(1);
            let dir = dir.or_else(|| part.args().find_map(|arg| arg.strip_prefix("--target-directory=")));
            dir.or(last).into_iter().chain(positional.iter().copied().filter(|_| part.is(&["mv"]))).collect()
        }
        "chmod" | "chown" | "chgrp" | "setfacl" => positional.into_iter().skip(1).collect(),
        "sed" | "perl" | "awk" | "gawk" if part.has_flag(&["-i", "--in-place", "inplace"]) => positional,
        "dd" => part.args().filter_map(|arg| arg.strip_prefix("of=")).collect(),
        "curl" => {
            part.args().skip_while(|arg| !matches!(*arg, "-o" | "--output")).nth(1).into_iter().collect()
        }
        "wget" => part.args().skip_while(|arg| !matches!(*arg, "-O" | "-P")).nth(1).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// All files that a use of a tool writes, absolute; `~` stays where the home is not known.
pub(super) fn all_written(look: &Look) -> Vec<String> {
    if EDITING.contains(&look.tool) {
        return look.files.to_vec();
    }
    let Some(script) = look.script else { return Vec::new() };
    let redirected = script.writes.iter().map(|word| word.text.as_str());
    let by_parts = script.parts.iter().flat_map(written);
    redirected.chain(by_parts).map(|path| absolute(path, look.context.dir, look.context.home)).collect()
}

/// The path below a home directory, if it lies in one.
pub(super) fn below_home<'a>(path: &'a str, home: Option<&str>) -> Option<&'a str> {
    let known = home.and_then(|home| path.strip_prefix(home)).and_then(|rest| rest.strip_prefix('/'));
    let root = || path.strip_prefix("~/").or_else(|| path.strip_prefix("/root/"));
    let other = || {
        path.strip_prefix("/home/")
            .or_else(|| path.strip_prefix("/Users/"))?
            .split_once('/')
            .map(|(_, rest)| rest)
    };
    known.or_else(root).or_else(other)
}

/// Whether a file holds what opens other doors.
pub(super) fn is_credential(path: &str) -> bool {
    let path = path.trim_start_matches('@');
    let name = path.rsplit('/').next().unwrap_or(path);
    let holds = |part: &str| path.contains(part);
    (holds(".ssh/") && name.strip_suffix(".pub").is_none() && name != "known_hosts" && name != "config")
        || path.strip_suffix(".ssh").is_some()
        || holds(".aws/credentials")
        || holds(".gnupg")
        || holds(".docker/config.json")
        || holds(".kube/config")
        || holds("gcloud/application_default_credentials")
        || holds("gcloud/credentials.db")
        || holds(".claude/.credentials")
        || holds(".config/gh/hosts")
        || path == "/etc/shadow"
        || path == "/etc/gshadow"
        || (path.starts_with("/proc/") && path.ends_with("/environ"))
        || [".netrc", ".git-credentials", ".pgpass", ".npmrc", ".pypirc", "id_rsa", "id_ed25519", "id_ecdsa"]
            .contains(&name)
}

/// Whether a file of a project usually holds secrets.
pub(super) fn is_env_file(path: &str) -> bool {
    let name = path.trim_start_matches('@').rsplit('/').next().unwrap_or(path);
    (name == ".env" || name.starts_with(".env."))
        && !["example", "sample", "template", "test"].iter().any(|end| name.ends_with(end))
}
