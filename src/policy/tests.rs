use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const CONTEXT: Context = Context { dir: "/srv/p", home: None, real: None };

fn rules(allow: &[&str], ask: &[&str], deny: &[&str]) -> Rules {
    let read = |rules: &[&str]| rules.iter().map(|rule| rule.parse().expect("a rule")).collect();
    Rules { allow: read(allow), ask: read(ask), deny: read(deny) }
}

fn bash(rules: &Rules, command: &str) -> Decision {
    decide(rules, "Bash", &json!({ "command": command }), CONTEXT)
}

/// `Edit:path`, `Read:path`, `WebFetch:url`, or a command.
fn example(text: &str) -> (&str, Value) {
    for tool in ["Edit", "Write", "Read", "WebFetch"] {
        if let Some(rest) = text.strip_prefix(tool).and_then(|rest| rest.strip_prefix(':')) {
            let key = if tool == "WebFetch" { "url" } else { "file_path" };
            return (tool, json!({ key: rest }));
        }
    }
    ("Bash", json!({ "command": text }))
}

fn patterns(text: &str) -> Vec<&'static str> {
    let (tool, input) = example(text);
    match decide(&rules(&["Bash", "Edit", "Read", "WebFetch"], &[], &[]), tool, &input, CONTEXT).by {
        By::Patterns(patterns) => patterns.iter().map(|pattern| pattern.name).collect(),
        By::Rule(_) | By::Nothing => Vec::new(),
    }
}

#[test]
fn the_catalogues_examples_are_what_it_says() {
    let mut faults = Vec::new();
    for known in catalogue::all() {
        for text in known.matches {
            if !patterns(text).contains(&known.name) {
                faults.push(format!("{}: {text:?} passes", known.name));
            }
        }
        for text in known.passes {
            for name in patterns(text) {
                faults.push(format!("{}: {text:?} is taken for {name}", known.name));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn a_command_is_every_catastrophe_that_is_in_it() {
    assert_eq!(
        patterns("git push --force; rm -rf /; mkfs /dev/sda"),
        ["delete-everything", "wipe-disk", "force-push"]
    );
    // A card has room for the names of all.
    let all: Vec<_> = catalogue::all().collect();
    assert!(catalogue::names(&all).chars().count() < 500);
}

#[test]
fn what_is_done_every_day_is_no_catastrophe() {
    for command in [
        "cargo test --all",
        "npm run build && npm test",
        "git status",
        "git add -A && git commit -m \"a: b\"",
        "git log --oneline | head -5",
        "ls -la src/",
        "cat Cargo.toml | grep version",
        "rg -n 'fn main' src",
        "find . -name '*.rs' | xargs wc -l",
        "mkdir -p a/b && touch a/b/c",
        "python3 -m venv .venv && . .venv/bin/activate && pip install -r requirements.txt",
        "for f in src/*.rs; do echo \"$f\"; wc -l \"$f\"; done",
        "docker compose up -d",
        "make -j4 2>&1 | tail -20",
        "cd frontend && npx tsc --noEmit",
        "sed -n '1,40p' src/main.rs",
        "sed -i 's/a/b/' src/main.rs",
        "cat > src/a.txt <<'EOF'\nhello\nEOF",
        "git diff HEAD~1 -- src | cat",
        "if [ -f a ]; then cat a; fi",
        "curl -s https://example.org/a.json | jq .",
        "export RUST_LOG=debug; cargo run",
        "git checkout -b feature",
        "git rebase main",
        "git reset --hard HEAD",
        "kill 1234",
        "ps aux | grep node",
        "echo \"$(date): done\" >> notes.txt",
        "tar czf a.tgz src",
        "timeout 60 cargo test",
        "node -e 'console.log(1)'",
        "while read -r l; do echo \"$l\"; done < a",
        "git commit -m \"$(cat <<'EOF'\nfix: a thing\n\nIt's done.\nEOF\n)\"",
        "psql -c 'select 1'",
        "rm -rf target/debug",
        "test -d x || exit 1",
    ] {
        assert!(patterns(command).is_empty(), "{command}");
    }
}

#[test]
fn rules_in_the_clis_notation() {
    for (rule, tool, on, covered) in [
        ("Bash(git push:*)", "Bash", "git push origin main", true),
        ("Bash(git push:*)", "Bash", "git pushing", false),
        ("Bash(npm run *)", "Bash", "npm run test", true),
        ("Bash(npm run *)", "Bash", "npm install", false),
        ("Bash(git *)", "Bash", "git", true),
        ("Bash(ls)", "Bash", "ls", true),
        ("Bash(ls)", "Bash", "ls -la", false),
        ("Bash(* --help)", "Bash", "cargo --help", true),
        ("Bash", "Bash", "anything", true),
        ("Bash(*)", "Bash", "anything", true),
        ("Edit(src/**)", "Edit", "/srv/p/src/a/b.rs", true),
        ("Edit(src/**)", "Write", "src/a.rs", true),
        ("Edit(src/**)", "Edit", "/srv/p/docs/a.md", false),
        ("Edit(src/**)", "Edit", "/srv/p/src/../docs/a.md", false),
        ("Edit(/src/**)", "Edit", "src/a.rs", true),
        ("Edit(*.md)", "Edit", "/srv/p/a/b/c.md", true),
        ("Write(docs/**)", "Edit", "docs/a.md", false),
        ("Read(//var/log/**)", "Read", "/var/log/a/b", true),
        ("Read(//var/log)", "Read", "/var/log/a", true),
        ("Read(~/notes/**)", "Read", "~/notes/a.md", true),
        ("Read(secrets/**)", "Grep", "secrets", true),
        ("WebFetch(domain:example.org)", "WebFetch", "https://example.org/a", true),
        ("WebFetch(domain:example.org)", "WebFetch", "https://docs.example.org:443/a", true),
        ("WebFetch(domain:example.org)", "WebFetch", "https://evil.org/example.org", false),
        ("WebFetch(domain:example.org)", "WebFetch", "https://example.org@evil.org/", false),
        ("WebFetch(domain:example.org)", "WebFetch", "https://badexample.org/", false),
        ("mcp__forge__merge", "mcp__forge__merge", "", true),
        ("mcp__forge", "mcp__forge__merge", "", true),
        ("mcp__forge__*", "mcp__forge__merge", "", true),
        ("mcp__forge", "mcp__forgery__merge", "", false),
        ("Task", "Agent", "", true),
        ("Bash(git push:*)", "Monitor", "git push origin main", true),
        ("Bash(git push:*)", "Monitor", "git pull", false),
        ("Bash", "Monitor", "anything", true),
        ("Monitor(git push:*)", "Monitor", "git push origin main", true),
        ("Monitor(git push:*)", "Bash", "git push origin main", false),
    ] {
        let input = json!({ "command": on, "file_path": on, "path": on, "url": on });
        for (rules, verdict) in [
            (rules(&[rule], &[], &[]), Verdict::Allow),
            (rules(&[], &[rule], &[]), Verdict::Ask),
            (rules(&[], &[], &[rule]), Verdict::Deny),
        ] {
            let expected = if covered { verdict } else { Verdict::Mode };
            assert_eq!(decide(&rules, tool, &input, CONTEXT).verdict, expected, "{rule} on {tool} {on}");
        }
    }
}

#[test]
fn what_is_no_rule_is_refused() {
    for text in
        ["", "(x)", "--bare", "Bash(git", "Ba sh", "Bash(git) x", "Edit(src/[)", "WebFetch(example.org)", "*"]
    {
        assert!(text.parse::<Rule>().is_err(), "{text:?}");
    }
    for text in ["Bash", "Bash(git push:*)", "mcp__a__*", "Edit(src/**)"] {
        assert_eq!(text.parse::<Rule>().expect("a rule").to_string(), text);
    }
}

#[test]
fn deny_comes_first_then_the_catalogue_then_ask_then_allow() {
    let all = rules(&["Bash"], &["Bash(git:*)"], &["Bash(rm:*)"]);
    assert_eq!(bash(&all, "rm -rf /").verdict, Verdict::Deny);
    assert!(matches!(bash(&all, "git push --force").by, By::Patterns(_)));
    assert!(matches!(bash(&all, "git status"), Decision { verdict: Verdict::Ask, by: By::Rule(_) }));
    assert_eq!(bash(&all, "ls").verdict, Verdict::Allow);
    assert_eq!(bash(&Rules::default(), "ls").verdict, Verdict::Mode);
}

#[test]
fn a_part_is_enough_to_deny() {
    let rules = rules(&["Bash"], &[], &["Bash(rm:*)", "Edit(secrets/**)"]);
    for command in [
        "rm x",
        "ls && rm x",
        "ls; rm x",
        "ls | rm x",
        "ls || rm x",
        "ls & rm x",
        "ls\nrm x",
        "ls\n\\rm x",
        "export A=1\n\\rm x",
        "echo $(rm x)",
        "echo `rm x`",
        "cat <(rm x)",
        "bash -c 'rm x'",
        "sh -lc 'rm x'",
        "sudo rm x",
        "sudo -u a rm x",
        "env A=1 rm x",
        "env -i rm x",
        "timeout 5 rm x",
        "nice -n 5 rm x",
        "nohup rm x &",
        "xargs rm",
        "find . -name a -exec rm {} \\;",
        "eval 'rm x'",
        "/bin/rm x",
        "\\rm x",
        "'rm' x",
        "r\"m\" x",
        "X=rm; $X x",
        "if a; then rm x; fi",
        "for a in b; do rm $a; done",
        "while a; do rm x; done",
        "case a in a) rm x;; esac",
        "f() { rm x; }; f",
        "(rm x)",
        "{ rm x; }",
        "! rm x",
        "bash <<EOF\nrm x\nEOF",
        "bash <<< 'rm x'",
        "ssh host rm x",
        "A=1 rm x",
        "exec rm x",
        "command rm x",
        "time rm x",
        "watch rm x",
        "trap 'rm x' EXIT",
        "python3 -c 'import os; os.system(\"rm x\")'",
        "busybox rm x",
        "su -c 'rm x'",
        "echo \"a $(rm x) b\"",
        "a=$(rm x)",
        "[ -n \"$(rm x)\" ]",
        "cat <<EOF\n$(rm x)\nEOF",
        "echo a > secrets/b",
        "rm${IFS}x",
        "$'rm' x",
        "echo ok #\nrm x",
        "time -p rm x",
        "doas rm x",
        "echo a |& rm x",
        "bash -c \"bash -c 'rm x'\"",
        "echo \"unterminated",
    ] {
        assert_eq!(bash(&rules, command).verdict, Verdict::Deny, "{command}");
    }
    for command in ["ls", "echo rm", "git rm x", "grep 'rm x' a", "echo 'rm x' # rm x"] {
        assert_eq!(bash(&rules, command).verdict, Verdict::Allow, "{command}");
    }
}

#[test]
fn each_part_must_be_allowed() {
    let rules =
        rules(&["Bash(git:*)", "Bash(ls:*)", "Bash(cd:*)", "Bash(npm test)", "Edit(out/**)"], &[], &[]);
    for command in [
        "git status",
        "git status && ls -la",
        "git log \\\n  --oneline",
        "ls | git hash-object --stdin",
        "timeout 5 git fetch",
        "cd a; ls",
        "ls 2>/dev/null",
        "ls 2>&1",
        "ls > out/a",
        "CI=1 git log",
        "npm test",
        "git log \"$BRANCH\"",
        "git show $(git rev-parse HEAD)",
        "if git diff; then ls; fi",
    ] {
        assert_eq!(bash(&rules, command).verdict, Verdict::Allow, "{command}");
    }
    for command in [
        "npm test -- x",
        "git status; whoami",
        "git log $(whoami)",
        "ls > a",
        "ls >> ~/x",
        "PATH=/x git log",
        "LD_PRELOAD=x ls",
        "sudo git log",
        "bash -c 'git log'",
        "git log `id`",
        "env git log",
        "xargs git log",
        "ls <(id)",
        "gitx",
        "git log | tee a",
        "PATH=/x; ls",
        "cat <<EOF > out/../a\nx\nEOF",
        "export A=1; ls",
    ] {
        let verdict = bash(&rules, command).verdict;
        assert!(matches!(verdict, Verdict::Mode | Verdict::Ask), "{command}: {verdict:?}");
    }
}

#[test]
fn a_link_out_of_what_is_allowed_is_not_allowed() {
    let rules = rules(&["Edit(src/**)"], &[], &["Edit(//var/secret/**)"]);
    let input = json!({ "file_path": "/srv/p/src/a" });
    let at = |real| decide(&rules, "Edit", &input, Context { real, ..CONTEXT }).verdict;
    assert_eq!(at(None), Verdict::Allow);
    assert_eq!(at(Some("/srv/p/src/b")), Verdict::Allow);
    assert_eq!(at(Some("/tmp/x")), Verdict::Mode);
    assert_eq!(at(Some("/var/secret/x")), Verdict::Deny);
    assert_eq!(at(Some("/etc/passwd")), Verdict::Ask);
}

#[test]
fn what_is_long_or_deep_is_read_in_time_and_never_allowed() {
    let rules = rules(&["Bash(echo:*)"], &[], &[]);
    let deep = [
        format!("{}echo{}", "$(".repeat(5_000), ")".repeat(5_000)),
        "(".repeat(20_000),
        format!("{}x{}", "bash -c '".repeat(500), "'".repeat(500)),
        "sudo ".repeat(5_000),
        "`".repeat(9_999),
        "{ ".repeat(5_000),
        "echo a;".repeat(9_000),
        format!("echo {}", "a".repeat(100_000)),
        "if ".repeat(5_000),
        "a=$a$a;".repeat(3_000),
        "<<E ".repeat(3_000),
    ];
    for command in deep {
        assert_ne!(bash(&rules, &command).verdict, Verdict::Allow, "{}", &command[..40]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_contains_a_denied_part_is_never_allowed(
        before in prop::sample::select(vec!["ls", "git log", "echo 'a b'", "true", "cat a | wc", "FOO=1 ls"]),
        between in prop::sample::select(vec![" && ", "; ", " | ", "\n", " || ", " & ", " |& "]),
        wrap in prop::sample::select(vec!["@", "(@)", "{ @; }", "$(@)", "echo $(@)", "sudo @", "env X=1 @", "bash -c '@'", "timeout 3 @",
            "if true; then @; fi", "nohup @", "echo \"`@`\"", "xargs @", "for i in 1; do @; done", "eval '@'", "f() { @; }; f"]),
        denied in prop::sample::select(vec!["rm x", "rm -f a b", "/bin/rm x", "\\rm x", "r\"\"m x"]),
        turned in any::<bool>(),
    ) {
        let wrapped = wrap.replace('@', denied);
        let command = if turned { format!("{wrapped}{between}{before}") } else { format!("{before}{between}{wrapped}") };
        let rules = rules(&["Bash"], &[], &["Bash(rm:*)"]);
        prop_assert_eq!(bash(&rules, &command).verdict, Verdict::Deny, "{}", command);
    }

    #[test]
    fn nothing_makes_it_fall(command in "[ -~\n]{0,60}", rule in "[ -~]{0,20}") {
        let rules = Rules { allow: format!("Bash({rule})").parse().into_iter().collect(), ..Rules::default() };
        bash(&rules, &command);
    }
}
