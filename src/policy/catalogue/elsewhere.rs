//! What destroys or changes what others use: data, infrastructure, packages.

use std::sync::LazyLock;

use regex::Regex;

use super::{Look, Pattern};
use crate::policy::shell::Part;

pub(super) static PATTERNS: &[Pattern] = &[
    Pattern {
        name: "drop-data",
        why: "deletes a database, a table or everything in it",
        finds: |look| look.any(drops_data) || drops_by_sql(look),
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
        finds: |look| look.any(destroys_infrastructure),
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
            look.any(|part| {
                part.is(&["npm", "pnpm", "yarn", "bun"]) && part.has_any(&["publish", "unpublish"])
                    || part.is(&["cargo"]) && part.has_any(&["publish", "yank"])
                    || part.is(&["twine"]) && part.has_any(&["upload"])
                    || part.is(&["gem"]) && part.has_any(&["push", "yank"])
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
    let clients = look.any(|part| part.is(CLIENTS));
    clients
        && look.any(|part| {
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
        || (part.program() == "manage.py" && part.has_any(&["flush"]))
}

fn destroys_infrastructure(part: &Part) -> bool {
    let has = |words: &[&str]| part.has_any(words);
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
