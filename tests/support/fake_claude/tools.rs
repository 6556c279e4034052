//! Tools that are really used, and questions that are really asked.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};
use switchboard::playground::assistant::{Cut, Finished, Hooked, Turn, Verdict};

use super::log;

/// `[[bash:command]]`: runs it in a session of its own, as the CLI does, and gives its output.
pub fn bash(turn: &mut Turn<'_>, command: &str, ask: bool) -> Result<(), Cut> {
    let input = json!({ "command": command, "description": "As the prompt says" });
    let tool_use = turn.tool("Bash", &input);
    let Some(input) = permitted(turn, &tool_use, "Bash", &input, ask)? else { return Ok(()) };
    run(turn, &tool_use, input["command"].as_str().unwrap_or_default())
}

fn run(turn: &mut Turn<'_>, tool_use: &str, command: &str) -> Result<(), Cut> {
    // Files instead of pipes: a grandchild may keep them open for as long as it likes.
    let mut stdout = tempfile::tempfile().expect("a temporary file");
    let mut stderr = tempfile::tempfile().expect("a temporary file");
    let mut child = Command::new("setsid")
        .args(["bash", "-c", command])
        .env("CLAUDECODE", "1")
        .env("CLAUDE_CODE_SESSION_ID", &turn.session.id)
        .stdin(Stdio::null())
        .stdout(stdout.try_clone().expect("a second handle"))
        .stderr(stderr.try_clone().expect("a second handle"))
        .spawn()
        .expect("setsid is there");
    let mut status = None;
    let waited = turn.wait_until(|| {
        status = child.try_wait().expect("it is our child");
        status.is_some()
    });
    if let Err(cut) = waited {
        let group = Pid::from_raw(i32::try_from(child.id()).expect("process ids fit"));
        let _ = killpg(group, Signal::SIGKILL);
        let _ = child.wait();
        return Err(cut);
    }
    let read = |file: &mut fs::File| {
        let mut bytes = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut bytes)).expect("it was written by us");
        String::from_utf8_lossy(&bytes).trim_end().to_owned()
    };
    let (out, err) = (read(&mut stdout), read(&mut stderr));
    let code = status.and_then(|status| status.code()).unwrap_or(-1);
    let output = [out.as_str(), err.as_str()].into_iter().filter(|text| !text.is_empty());
    let output = output.collect::<Vec<_>>().join("\n");
    if code == 0 {
        let content = if output.is_empty() { "(Bash completed with no output)" } else { &output };
        let detail = json!({ "stdout": out, "stderr": err, "interrupted": false, "isImage": false,
                             "noOutputExpected": output.is_empty() });
        turn.tool_result(tool_use, content, false, &detail);
    } else {
        let content = format!("Exit code {code}\n{output}");
        turn.tool_result(tool_use, &content, true, &json!(format!("Error: {content}")));
    }
    Ok(())
}

/// `[[edit:path]]`: adds a line to the file, which may be new.
pub fn edit(turn: &mut Turn<'_>, path: &str, ask: bool) -> Result<(), Cut> {
    let path = PathBuf::from(turn.speaker.facts().dir).join(path);
    let old = fs::read_to_string(&path).unwrap_or_default();
    let new = format!("{old}a line by the fake\n");
    let (name, input) = if old.is_empty() {
        ("Write", json!({ "file_path": path, "content": new }))
    } else {
        ("Edit", json!({ "file_path": path, "old_string": old, "new_string": new, "replace_all": false }))
    };
    let tool_use = turn.tool(name, &input);
    if permitted(turn, &tool_use, name, &input, ask)?.is_none() {
        return Ok(());
    }
    fs::write(&path, &new).expect("the test names a file that can be written");
    let detail = json!({ "type": "update", "filePath": path, "content": new, "originalFile": old });
    turn.tool_result(&tool_use, "The file has been updated successfully.", false, &detail);
    Ok(())
}

/// `[[tool:Name {input}]]`: any tool, without a question of its own. Bash runs, the others only say that they did.
pub fn any(turn: &mut Turn<'_>, argument: &str) -> Result<(), Cut> {
    let (name, input) = argument.split_once(' ').unwrap_or((argument, "{}"));
    let input: Value = serde_json::from_str(input).expect("[[tool:Name {…}]] takes JSON");
    let tool_use = turn.tool(name, &input);
    let Some(input) = permitted(turn, &tool_use, name, &input, false)? else { return Ok(()) };
    if name == "Bash" {
        return run(turn, &tool_use, input["command"].as_str().unwrap_or_default());
    }
    turn.tool_result(&tool_use, "ok", false, &json!({}));
    Ok(())
}

/// `[[plan:markdown]]`: shows a plan and says what became of it.
pub fn plan(turn: &mut Turn<'_>, argument: &str) -> Result<(), Cut> {
    let input = json!({ "plan": argument, "planFilePath": "/tmp/plan.md" });
    let tool_use = turn.tool("ExitPlanMode", &input);
    if permitted(turn, &tool_use, "ExitPlanMode", &input, true)?.is_some() {
        turn.tool_result(&tool_use, "User has approved your plan.", false, &input);
        turn.say("The plan is approved.")?;
    }
    Ok(())
}

/// `[[background:what]]` or `[[background:what|file]]`: a task whose own turn comes after this one, or once the file
/// exists. Directives in what it is are done in that turn.
pub fn background(turn: &mut Turn<'_>, argument: &str) {
    let (description, file) = argument.split_once('|').unwrap_or((argument, ""));
    let task = format!("b{}", &uuid::Uuid::new_v4().simple().to_string()[..8]);
    let tool_use = turn.tool("Bash", &json!({ "command": description, "run_in_background": true }));
    turn.speaker.system(
        "task_started",
        json!({ "task_id": task, "tool_use_id": tool_use, "description": description, "task_type": "local_bash" }),
    );
    let content = format!("Command running in background with ID: {task}.");
    turn.tool_result(&tool_use, &content, false, &json!({ "backgroundTaskId": task }));
    turn.inbox.begin_background();
    let finished = Finished { task, tool_use, description: description.to_owned() };
    if file.is_empty() {
        turn.inbox.finish(finished);
        return;
    }
    let (inbox, file) = (turn.inbox.clone(), PathBuf::from(file));
    std::thread::spawn(move || {
        while !file.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        inbox.finish(finished);
    });
}

/// `[[marker:file]]`: a side effect that can be counted.
pub fn marker(path: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("the test names a file");
    file.write_all(format!("{}\n", std::process::id()).as_bytes()).expect("it can be written");
}

/// The input to go on with, or `None` where it was refused: then the result is out, and the refusal said. What the hooks of
/// the host decide goes before `ask`.
pub fn permitted(
    turn: &mut Turn<'_>,
    tool_use: &str,
    name: &str,
    input: &Value,
    ask: bool,
) -> Result<Option<Value>, Cut> {
    let verdict = match turn.before_tool(tool_use, name, input) {
        Hooked::Deny(reason) => Ok(Verdict::Deny(reason)),
        // A question to a person has no other answer.
        Hooked::Allow if !is_question(name) => return Ok(Some(input.clone())),
        Hooked::Nothing if !ask => return Ok(Some(input.clone())),
        Hooked::Allow | Hooked::Nothing => {
            turn.ask(tool_use, name, input).inspect(|verdict| told(tool_use, input, verdict))
        }
        Hooked::Ask(reason) => {
            let asked = turn.ask_because(tool_use, name, input, &reason);
            asked.inspect(|verdict| told(tool_use, input, verdict))
        }
    };
    match verdict? {
        Verdict::Allow(input) => Ok(Some(input)),
        Verdict::Deny(reason) => {
            turn.tool_result(tool_use, &reason, true, &json!(format!("Error: {reason}")));
            turn.say(&format!("It was refused: {reason}"))?;
            Ok(None)
        }
    }
}

fn is_question(name: &str) -> bool {
    matches!(name, "AskUserQuestion" | "ExitPlanMode")
}

fn told(tool_use: &str, input: &Value, verdict: &Verdict) {
    log::told(tool_use, input, matches!(verdict, Verdict::Allow(_)));
}
