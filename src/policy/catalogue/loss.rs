//! What destroys: files, disks, histories.

use super::targets::is_vital;
use super::{Look, Pattern};
use crate::policy::shell::Part;

pub(super) static PATTERNS: &[Pattern] = &[
    Pattern {
        name: "delete-everything",
        why: "deletes the system, a home, the whole project, its history, or what nobody can know before it runs",
        finds: |look| look.any(deletes_everything),
        matches: &[
            "rm -rf /",
            "rm -fr /*",
            "rm -r -f ~",
            "rm --recursive --force $HOME",
            "sudo rm -rf /etc",
            "rm -rf .",
            "rm -rf ./*",
            "rm -rf *",
            "rm -rf .git",
            "rm -rf ../..",
            "cd /tmp && rm -rf /home/mara",
            "rm -rf \"$DIR/\"*",
            "r\"\"m -rf /",
            "\\rm -rf /",
            "X=rm; $X -rf /",
            "rm${IFS}-rf${IFS}/",
            "$'\\x72m' -rf /",
            "/bin/rm -rf /",
            "bash -c 'rm -rf /'",
            "echo $(rm -rf ~)",
            "env A=1 rm -rf /",
            "find / -delete",
            "find . -exec rm -rf {} +",
            "xargs rm -rf /",
            "eval \"rm -rf /\"",
            "timeout 5 rm -rf /",
            "true\nrm -rf /",
            "f() { rm -rf /; }; f",
            "if true; then rm -rf ~/; fi",
            "sudo -u root rm -rf /usr",
            "python3 -c \"import os; os.system('rm -rf /')\"",
            "bash <<EOF\nrm -rf /\nEOF",
            "sh <<< 'rm -rf /'",
            "ssh host 'rm -rf /'",
            "nohup rm -rf / &",
            "rm -rf -- /",
            "sudo bash -c \"bash -c 'rm -rf /'\"",
            "rm -rf --no-preserve-root /",
            "trap 'rm -rf /' EXIT",
            "cat <(rm -rf /)",
            "! rm -rf /",
            "command rm -rf /",
            "(rm -rf /)",
            "{ rm -rf /; }",
            "rm -rf /tmp/../etc",
            "shred -u ~/.bashrc /",
        ],
        passes: &[
            "rm -rf target",
            "rm -rf node_modules dist",
            "rm file.txt",
            "rm -rf ./build",
            "rm -rf /tmp/abc",
            "echo 'rm -rf /'",
            "git rm -r old",
            "rm -rf src/generated/*",
            "find . -name '*.pyc' -delete",
            "ls /",
            "grep -r 'rm -rf /' .",
        ],
    },
    Pattern {
        name: "wipe-disk",
        why: "overwrites a disk or a file system",
        finds: |look| look.any(wipes_disk) || writes_device(look),
        matches: &[
            "mkfs.ext4 /dev/sda1",
            "dd if=/dev/zero of=/dev/sda",
            "wipefs -a /dev/nvme0n1",
            "cat x > /dev/sda",
            "shred /dev/sdb",
            "sudo parted /dev/sda mklabel gpt",
            "blkdiscard /dev/sda",
            "zpool destroy tank",
            "echo 1 | tee /dev/nvme0n1",
        ],
        passes: &["dd if=a of=b bs=1M", "echo x > /dev/null", "lsblk", "cmd 2>/dev/null >&2", "parted -l"],
    },
    Pattern {
        name: "force-push",
        why: "replaces or deletes what others have in the remote repository",
        finds: |look| look.any(forces_push),
        matches: &[
            "git push --force origin main",
            "git push -f",
            "git push origin +main",
            "git -C /srv/p push --force-with-lease",
            "git push --mirror",
            "git push origin :release",
            "git push --delete origin main",
            "git add . && git commit -m x && git push -uf origin x",
            "git -c a=b push --force",
            "/usr/bin/git push origin main --force",
        ],
        passes: &[
            "git push",
            "git push -u origin feature",
            "git push origin HEAD:main",
            "git commit -m 'push --force'",
            "git fetch -f",
        ],
    },
    Pattern {
        name: "rewrite-history",
        why: "rewrites or forgets commits for good",
        finds: |look| look.any(rewrites_history),
        matches: &[
            "git filter-branch --tree-filter x HEAD",
            "git filter-repo --path a",
            "git reflog expire --expire=now --all",
            "git gc --prune=now",
            "git update-ref -d refs/heads/main",
            "git stash clear",
            "git clean -fdx",
            "git rebase -i --root",
            "bfg --delete-files x",
        ],
        passes: &[
            "git rebase main",
            "git gc",
            "git clean -n",
            "git reset --hard HEAD",
            "git stash",
            "git clean -fd",
        ],
    },
];

fn deletes_everything(part: &Part) -> bool {
    let vital = |target: &str| {
        let flat = crate::policy::paths::absolute(target, "", None);
        is_vital(target)
            || ((target.starts_with('/') || target.starts_with('~'))
                && target.contains("..")
                && is_vital(&flat))
    };
    let positional = || part.positional();
    match part.program() {
        "rm" => part.has_flag(&["-r", "-R", "--recursive", "--no-preserve-root"]) && positional().any(vital),
        "shred" | "unlink" | "srm" => positional().any(vital),
        "find" | "fd" => {
            // Everything below, with nothing that chooses.
            let deletes = part.has_any(&["-delete"])
                || part.has_words(&["-exec", "rm"])
                || part.has_words(&["-execdir", "rm"])
                || part.has_words(&["-exec", "shred"]);
            let chooses = part.args().any(|arg| {
                matches!(
                    arg,
                    "-name"
                        | "-iname"
                        | "-path"
                        | "-regex"
                        | "-mtime"
                        | "-mmin"
                        | "-newer"
                        | "-empty"
                        | "-size"
                        | "-wholename"
                )
            });
            let rooted = part
                .args()
                .take_while(|arg| !arg.starts_with('-'))
                .any(|target| target != "." && vital(target));
            deletes && (rooted || !chooses)
        }
        _ => false,
    }
}

fn is_disk(path: &str) -> bool {
    [
        "/dev/sd",
        "/dev/nvme",
        "/dev/vd",
        "/dev/hd",
        "/dev/xvd",
        "/dev/mmcblk",
        "/dev/disk",
        "/dev/mapper",
        "/dev/md",
        "/dev/loop",
        "/dev/rdisk",
    ]
    .iter()
    .any(|disk| path.starts_with(disk))
}

fn wipes_disk(part: &Part) -> bool {
    let name = part.program();
    name.starts_with("mkfs")
        || (part.is(&[
            "wipefs",
            "fdisk",
            "sfdisk",
            "sgdisk",
            "gdisk",
            "parted",
            "blkdiscard",
            "shred",
            "mkswap",
            "hdparm",
            "badblocks",
        ]) && part.positional().any(is_disk))
        || (part.is(&["cryptsetup"]) && part.has_any(&["luksFormat", "erase", "luksErase"]))
        || part.is(&["lvremove", "vgremove", "pvremove"])
        || (part.is(&["zpool", "zfs"]) && part.has_any(&["destroy"]))
        || (part.is(&["diskutil"]) && part.args().any(|arg| arg.starts_with("erase")))
}

fn writes_device(look: &Look) -> bool {
    super::targets::all_written(look).iter().any(|path| is_disk(path))
}

/// The words of git after its own flags: subcommand first.
fn git(part: &Part) -> Option<Vec<&str>> {
    if !part.is(&["git"]) {
        return None;
    }
    let mut args = part.args();
    let mut rest = Vec::new();
    while let Some(arg) = args.next() {
        if matches!(arg, "-C" | "-c" | "--git-dir" | "--work-tree" | "--namespace") {
            args.next();
        } else if !arg.starts_with('-') {
            rest.push(arg);
            rest.extend(args);
            break;
        }
    }
    Some(rest)
}

fn forces_push(part: &Part) -> bool {
    let Some(words) = git(part) else { return false };
    let Some((&"push" | &"send-pack", args)) = words.split_first() else { return false };
    args.iter().any(|arg| {
        let short = arg.starts_with('-') && !arg.starts_with("--") && arg.contains(['f', 'd']);
        let long = ["--force", "--mirror", "--delete", "--prune"].iter().any(|flag| arg.starts_with(flag));
        short || long || arg.starts_with('+') || (arg.starts_with(':') && arg.len() > 1)
    })
}

fn rewrites_history(part: &Part) -> bool {
    if part.is(&["bfg", "git-filter-repo"]) {
        return true;
    }
    let Some(words) = git(part) else { return false };
    let Some((command, args)) = words.split_first() else { return false };
    let has = |word: &str| args.iter().any(|arg| arg.starts_with(word));
    match *command {
        "filter-branch" | "filter-repo" => true,
        "reflog" => has("expire") || has("delete"),
        "gc" | "prune" => has("--prune=now") || has("--prune=all"),
        "update-ref" => has("-d"),
        "stash" => has("clear"),
        "rebase" => has("--root"),
        "clean" => args.iter().any(|arg| {
            arg.starts_with('-') && !arg.starts_with("--") && arg.contains('x') && !arg.contains('n')
        }),
        _ => false,
    }
}
