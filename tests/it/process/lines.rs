//! What goes in and what comes out: every byte, and never more memory than a line may have.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use bytes::Bytes;
use switchboard::process::survivors::VARIABLE;
use switchboard::runner::{Exit, NotStarted, Record, Runner};

use super::{Bench, code, next, out, outs, rest, until};

#[tokio::test]
async fn lines_go_in_and_come_out_in_order() {
    let bench = Bench::new();
    let script = bench.script("while read -r line; do echo \"got $line\"; done; echo end >&2; exit 7");
    let (_, mut feed) = bench.start(&script).await;
    feed.control.write("one".into()).await;
    feed.control.write("two\nlines".into()).await;
    assert_eq!(next(&mut feed).await.record, Record::In("one".into()));
    until(&mut feed, "got two lines").await;
    feed.control.write("three".into()).await;
    assert_eq!(next(&mut feed).await.record, Record::In("three".into()));
    assert_eq!(next(&mut feed).await.record, out("got three"));
    feed.control.close_input().await;
    assert_eq!(rest(&mut feed).await, [Record::Err("end".into()), code(7)]);
}

#[tokio::test]
async fn bytes_that_are_no_text_and_a_last_line_without_its_end_are_kept() {
    let records = Bench::new().run(r"printf 'a\377\000b\r\n\nlast'").await;
    let odd = Record::Out(b"a\xff\x00b\r"[..].into());
    assert_eq!(records, [odd, out(""), out("last"), code(0)]);
}

#[tokio::test]
async fn a_line_of_50_mb_is_counted_and_costs_no_memory() {
    let bench = Bench::new();
    let script = "head -c 52428800 /dev/zero | tr '\\0' x; echo; echo after; read -r line; echo; exit 0";
    let (process, mut feed) = bench.start(&bench.script(script)).await;
    assert_eq!(next(&mut feed).await.record, Record::TooLong { bytes: 52_428_800 });
    until(&mut feed, "after").await;
    let status = fs::read_to_string(format!("/proc/{}/status", bench.shim_pid(process))).unwrap();
    let kb = |field: &str| -> u64 {
        let value = status.lines().find_map(|line| line.strip_prefix(field)).expect("the kernel tells it");
        value.trim().trim_end_matches(" kB").parse().expect("a number")
    };
    // Without the pages of the program's own file, which a debug build has many of.
    let peak_kb = kb("VmHWM:").saturating_sub(kb("RssFile:"));
    assert!(peak_kb < 16 << 10, "{peak_kb} kB");
    feed.control.close_input().await;
    assert_eq!(rest(&mut feed).await, [out(""), code(0)]);
}

#[tokio::test]
async fn many_lines_come_whole_to_a_reader_that_is_late() {
    let bench = Bench::new();
    let (process, mut feed) = bench.start(&bench.script("seq 1 50000")).await;
    // Nobody reads, and the child still ends. The shim waits two seconds for the reader; what is missing then is
    // read from the file.
    bench.shim_ended(process).await;
    let records = rest(&mut feed).await;
    assert_eq!(records.len(), 50_001);
    assert!(outs(&records).iter().zip(1..).all(|(line, number)| *line == number.to_string()));
}

#[tokio::test]
async fn a_flood_on_stderr_blocks_nothing_and_is_bounded() {
    let script = "head -c 20000000 /dev/zero | tr '\\0' e | fold -w 10000 >&2; echo done";
    let records = Bench::new().run(script).await;
    assert_eq!(outs(&records), ["done"]);
    let errors = records.iter().filter_map(|record| match record {
        Record::Err(line) => Some(line.clone()),
        _ => None,
    });
    let errors: Vec<_> = errors.collect();
    assert_eq!(errors[0].len(), 8 << 10);
    assert!(errors.iter().map(Bytes::len).sum::<usize>() <= 256 << 10);
    let last = String::from_utf8(errors.last().unwrap().to_vec()).unwrap();
    assert!(last.ends_with("bytes more on stderr]"), "{last}");
}

#[tokio::test]
async fn a_child_that_does_not_read_can_still_be_stopped() {
    let bench = Bench::new();
    let (_, mut feed) = bench.start(&bench.script("echo ready; exec sleep 600")).await;
    until(&mut feed, "ready").await;
    for _ in 0..400 {
        feed.control.write("x".repeat(8 << 10)).await;
    }
    feed.control.stop().await;
    let records = rest(&mut feed).await;
    assert_eq!(records.last(), Some(&super::signal(2)));
}

#[tokio::test]
async fn the_environment_is_exactly_what_was_listed() {
    let bench = Bench::new();
    let mut launch = bench.script("");
    launch.program = "env".into();
    launch.args = Vec::new();
    launch.env.insert("ONLY".into(), "this".into());
    let (process, mut feed) = bench.start(&launch).await;
    let found: BTreeMap<String, String> = outs(&rest(&mut feed).await)
        .iter()
        .map(|line| line.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    // And which process it is, so that what it leaves can be found.
    let dir = fs::canonicalize(bench.process_dir(process)).unwrap().display().to_string();
    launch.env.insert(VARIABLE.into(), dir);
    assert_eq!(found, launch.env);
}

#[tokio::test]
async fn the_child_has_its_directory_three_descriptors_and_the_usual_umask() {
    let bench = Bench::new();
    let script = bench.script(
        "pwd; umask; ls /proc/self/fd | wc -l; ps -o pgid= -p $$ | grep -qw $$ && echo leads; read -r x",
    );
    let (process, mut feed) = bench.start(&script).await;
    assert_eq!(next(&mut feed).await.record, out(bench.dir.path().to_str().unwrap()));
    let own = fs::read_to_string("/proc/self/status").unwrap();
    let own = own.lines().find_map(|line| line.strip_prefix("Umask:\t")).unwrap().to_owned();
    assert_eq!(next(&mut feed).await.record, out(&own));
    // The fourth is the directory that `ls` reads.
    assert_eq!(next(&mut feed).await.record, out("4"));
    until(&mut feed, "leads").await;

    let environment = fs::read(format!("/proc/{}/environ", bench.shim_pid(process))).unwrap();
    assert_eq!(environment, b"");
    let dir = bench.process_dir(process);
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(dir.clone()), 0o700);
    for file in ["spool", "lock", "shim.log"] {
        assert_eq!(mode(dir.join(file)), 0o600, "{file}");
    }
    assert!(!dir.join("launch.json").exists(), "it may hold keys");
    feed.control.close_input().await;
    rest(&mut feed).await;
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let bench = Bench::new();
    let mut missing = bench.script("");
    missing.program = "/nowhere/claude".into();
    let mut not_in_path = bench.script("");
    not_in_path.program = "no-such-program".into();
    let mut no_directory = bench.script("echo");
    no_directory.dir = bench.dir.path().join("nowhere");
    let mut not_executable = bench.script("");
    fs::write(bench.dir.path().join("text"), "text").unwrap();
    not_executable.program = bench.dir.path().join("text").to_str().unwrap().into();
    let mut too_much = bench.script("");
    too_much.args.push("x".repeat(1 << 20));

    let cases = [
        (missing, NotStarted::ProgramMissing),
        (not_in_path, NotStarted::ProgramMissing),
        (no_directory, NotStarted::DirectoryMissing),
        (not_executable, NotStarted::Other),
        (too_much, NotStarted::Other),
    ];
    for (launch, expected) in cases {
        let (process, mut feed) = bench.start(&launch).await;
        let records = rest(&mut feed).await;
        let [Record::Exit(Exit::NotStarted { kind, error })] = &records[..] else { panic!("{records:?}") };
        assert_eq!(*kind, expected, "{error}");
        bench.runner.forget(process).await.unwrap();
    }
    assert_eq!(bench.runner.known().await, []);
}
