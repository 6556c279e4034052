//! Daemons are upgraded under running turns, shims are not: a daemon follows shims of the version before.

use std::fs;
use std::os::fd::AsRawFd;

use switchboard::domain::ids::ProcessId;
use switchboard::runner::{Exit, Position, Record, Runner};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixListener;
use uuid::Uuid;

use super::{Bench, PATIENCE, next, out, rest};

/// What a shim of version 1 had written when its daemon was upgraded, byte for byte.
const SPOOL: &str = concat!(
    "i 1763716000001 {\"type\":\"user\"}\n",
    "o 1763716000002 {\"type\":\"system\",\"subtype\":\"init\"}\n",
    "e 1763716000003 a warning\n",
    "l 1763716000004 52428800\n",
    "o 1763716000005 {\"type\":\"assistant\"}\n",
);
/// And what it wrote after that.
const MORE: &str = "o 1763716000006 {\"type\":\"result\"}\nx 1763716000007 {\"exit\":\"code\",\"code\":0}\n";

#[tokio::test]
async fn a_process_of_the_version_before_is_followed_and_spoken_to() {
    let bench = Bench::new();
    let process = ProcessId(Uuid::new_v4());
    let dir = bench.process_dir(process);
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("spool"), SPOOL).unwrap();
    fs::write(dir.join("shim.log"), "").unwrap();
    let lock = fs::File::create(dir.join("lock")).unwrap();
    lock.lock().unwrap();
    let at = fs::File::open(&dir).unwrap();
    let listener = UnixListener::bind(format!("/proc/self/fd/{}/socket", at.as_raw_fd())).unwrap();

    let shim = async {
        let (stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        assert_eq!(lines.next_line().await.unwrap().unwrap(), r#"{"attach":{"from":0}}"#);
        write.write_all(SPOOL.as_bytes()).await.unwrap();
        for expected in
            [r#"{"command":"write","line":"{}"}"#, r#"{"command":"close_input"}"#, r#"{"command":"stop"}"#]
        {
            assert_eq!(lines.next_line().await.unwrap().unwrap(), expected);
        }
        write.write_all(MORE.as_bytes()).await.unwrap();
    };
    let daemon = async {
        let mut feed = bench.runner.attach(process, Position(0)).await.unwrap();
        assert_eq!(feed.caught_up, Position(SPOOL.len() as u64));
        let expected = [
            Record::In("{\"type\":\"user\"}".into()),
            out("{\"type\":\"system\",\"subtype\":\"init\"}"),
            Record::Err("a warning".into()),
            Record::TooLong { bytes: 52_428_800 },
            out("{\"type\":\"assistant\"}"),
        ];
        for record in expected {
            assert_eq!(next(&mut feed).await.record, record);
        }
        feed.control.write("{}".into()).await;
        feed.control.close_input().await;
        feed.control.stop().await;
        assert_eq!(rest(&mut feed).await, [out("{\"type\":\"result\"}"), super::code(0)]);
    };
    tokio::time::timeout(*PATIENCE, async { tokio::join!(shim, daemon) }).await.expect("they understand");

    // It had no file that says whether all of it was recorded: if it is lost, nobody knows what its child did at last.
    drop((listener, lock));
    let mut feed = bench.runner.attach(process, Position(0)).await.unwrap();
    let records = rest(&mut feed).await;
    assert_eq!(records[5..], [Record::Gap, Record::Exit(Exit::Lost)]);
}
