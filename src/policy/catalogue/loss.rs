//! What destroys: files, disks, histories, data, what runs elsewhere.

use std::sync::LazyLock;

use regex::Regex;

use super::targets::is_vital;
use super::{Look, Pattern};
use crate::policy::shell::Part;

pub(super) static PATTERNS: &[Pattern] = &[
    Pattern {
        name: "delete-everything",
        why: "deletes the system, a home, the whole project, its history, or what nobody can know before it runs",
        finds: |look| any(look, deletes_everything),
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
        finds: |look| any(look, wipes_disk) || writes_device(look),
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
        finds: |look| any(look, forces_push),
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
        finds: |look| any(look, rewrites_history),
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
    Pattern {
        name: "drop-data",
        why: "deletes a database, a table or everything in it",
        finds: |look| any(look, drops_data) || drops_by_sql(look),
        matches: &[
            "psql -c 'DROP DATABASE prod'",
            "mysql -e \"drop table users;\"",
            "dropdb prod",
            "redis-cli FLUSHALL",
            "echo 'TRUNCATE TABLE a' | psql",
            "psql <<EOF\nDROP SCHEMA public CASCADE;\nEOF",
            "rails db:drop",
            "npx prisma migrate reset",
            "mongosh --eval 'db.dropDatabase()'",
            "sqlite3 app.db 'DELETE FROM users;'",
            "php artisan migrate:fresh",
            "python manage.py flush",
        ],
        passes: &[
            "psql -c 'SELECT 1'",
            "sqlite3 a.db 'delete from users where id = 1'",
            "grep 'DROP TABLE' schema.sql",
            "rails db:migrate",
            "redis-cli get a",
        ],
    },
    Pattern {
        name: "destroy-infrastructure",
        why: "deletes or changes what runs elsewhere",
        finds: |look| any(look, destroys_infrastructure),
        matches: &[
            "terraform destroy -auto-approve",
            "terraform apply -auto-approve",
            "tofu apply -destroy",
            "kubectl delete ns prod",
            "helm uninstall app",
            "aws ec2 terminate-instances --instance-ids i-1",
            "aws s3 rm s3://b --recursive",
            "aws s3 rb s3://b",
            "gcloud projects delete p",
            "pulumi destroy",
            "docker system prune -af",
            "docker volume rm data",
            "gh repo delete a/b",
            "kubectl -n x delete pods --all",
            "az group delete -n x",
        ],
        passes: &[
            "terraform plan",
            "kubectl get pods",
            "docker ps",
            "aws s3 ls",
            "gh pr list",
            "docker rm container",
            "helm list",
        ],
    },
    Pattern {
        name: "publish-package",
        why: "publishes for everybody, which cannot be taken back",
        finds: |look| {
            any(look, |part| {
                part.is(&["npm", "pnpm", "yarn", "bun"]) && has_word(part, &["publish", "unpublish"])
                    || part.is(&["cargo"]) && has_word(part, &["publish", "yank"])
                    || part.is(&["twine"]) && has_word(part, &["upload"])
                    || part.is(&["gem"]) && has_word(part, &["push", "yank"])
            })
        },
        matches: &[
            "npm publish",
            "cargo publish --allow-dirty",
            "twine upload dist/*",
            "cd pkg && pnpm publish",
            "gem push a.gem",
        ],
        passes: &["npm run build", "cargo build", "npm install"],
    },
];

fn any(look: &Look, finds: impl Fn(&Part) -> bool) -> bool {
    look.script.is_some_and(|script| script.parts.iter().any(finds))
}

fn has_word(part: &Part, words: &[&str]) -> bool {
    part.args().any(|arg| words.contains(&arg))
}

fn deletes_everything(part: &Part) -> bool {
    let vital = |target: &str| {
        let flat = crate::policy::paths::absolute(target, "", None);
        is_vital(target)
            || ((target.starts_with('/') || target.starts_with('~'))
                && target.contains("..")
                && is_vital(&flat))
    };
    let operands = || part.operands();
    match part.program() {
        "rm" => part.has_flag(&["-r", "-R", "--recursive", "--no-preserve-root"]) && operands().any(vital),
        "shred" | "unlink" | "srm" => operands().any(vital),
        "rmdir" => false,
        "find" | "fd" => {
            // Everything below, with nothing that chooses.
            let deletes = has_word(part, &["-delete"])
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
        ]) && part.operands().any(is_disk))
        || (part.is(&["cryptsetup"]) && has_word(part, &["luksFormat", "erase", "luksErase"]))
        || part.is(&["lvremove", "vgremove", "pvremove"])
        || (part.is(&["zpool", "zfs"]) && has_word(part, &["destroy"]))
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

static SQL: LazyLock<Regex> = LazyLock::new(|| {
    let sql = r#"(?i)\bdrop\s+(database|schema|table|keyspace)\b|\btruncate\s+(table\s+)?\w|\bdelete\s+from\s+[\w."`]+\s*(;|$)|dropDatabase\(|\bflush(all|db)\b"#;
    Regex::new(sql).expect("a fixed pattern")
});

const CLIENTS: &[&str] = &[
    "psql",
    "mysql",
    "mariadb",
    "sqlite3",
    "sqlcmd",
    "clickhouse-client",
    "clickhouse",
    "mongosh",
    "mongo",
    "cqlsh",
    "duckdb",
    "redis-cli",
    "valkey-cli",
    "bq",
    "snowsql",
];

/// What a client runs may stand in its arguments, in what it is fed, or in what is piped to it.
fn drops_by_sql(look: &Look) -> bool {
    let clients = any(look, |part| part.is(CLIENTS));
    clients
        && any(look, |part| {
            let says = part.is(CLIENTS) || part.is(&["echo", "printf"]);
            says && (SQL.is_match(&part.text()) || part.fed.as_deref().is_some_and(|fed| SQL.is_match(fed)))
        })
}

fn drops_data(part: &Part) -> bool {
    part.is(&["dropdb"])
        || part.args().any(|arg| {
            ["db:drop", "db:reset", "db:wipe", "migrate:fresh", "migrate:reset", "db:schema:load", "db:purge"]
                .contains(&arg)
        })
        || part.has_words(&["migrate", "reset"])
        || part.has_words(&["manage.py", "flush"])
        || (part.program() == "manage.py" && has_word(part, &["flush"]))
}

fn destroys_infrastructure(part: &Part) -> bool {
    let has = |words: &[&str]| has_word(part, words);
    match part.program() {
        "terraform" | "tofu" | "terragrunt" => {
            has(&["destroy", "-destroy", "--destroy"])
                || (has(&["apply"]) && part.args().any(|arg| arg.contains("auto-approve")))
        }
        "pulumi" | "cdk" | "vagrant" | "flyctl" | "fly" | "sst" => has(&["destroy", "down", "remove"]),
        "kubectl" | "oc" | "k" => has(&["delete", "drain"]),
        "helm" => has(&["uninstall", "delete"]),
        "eksctl" | "doctl" | "gcloud" | "az" | "hcloud" | "linode-cli" => has(&["delete"]),
        "aws" => {
            part.args().any(|arg| arg.starts_with("delete-") || arg.starts_with("terminate-") || arg == "rb")
                || (has(&["rm"]) && has(&["--recursive"]))
        }
        "docker" | "podman" => {
            part.has_words(&["prune"])
                || part.has_words(&["volume", "rm"])
                || (has(&["down"]) && has(&["-v", "--volumes"]))
        }
        "gh" => part.has_words(&["repo", "delete"]) || part.has_words(&["secret", "delete"]),
        "heroku" => part.args().any(|arg| arg.ends_with(":destroy") || arg.ends_with(":reset")),
        _ => false,
    }
}
