//! The life of the process: command line, session, one turn after the other, exit code.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

use super::flags::Flags;
use super::inbox::{Cut, Inbox, Next};
use super::message::Message;
use super::sessions::{Refusal, Session, Sessions};
use super::speaker::{Facts, Format, Speaker};
use super::turn::{Ending, Turn, usage};
use super::{Assistant, House, VERSION, control};

/// The exit code when another live process has the session. The real CLI has no such code, because it does not look.
const SESSION_IN_USE: u8 = 97;

/// Runs an assistant as the CLI would run, until the host ends it.
pub fn serve(words: &[String], house: &'static House, assistant: &mut dyn Assistant) -> ExitCode {
    let flags = match Flags::parse(words).and_then(|flags| flags.check().map(|()| flags)) {
        Ok(flags) => flags,
        Err(line) => return refuse(&line),
    };
    if flags.has("--version") {
        println!("{VERSION} (Claude Code)");
        return ExitCode::SUCCESS;
    }
    if house.refuses_root && flags.may_bypass() && is_root() && std::env::var_os("IS_SANDBOX").is_none() {
        return refuse(
            "--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons",
        );
    }
    let dir = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let sessions = Sessions::new(&state_base(house), &dir);
    let speaker = speaker(&flags, house, &dir);
    let mut session = match open_session(&flags, &sessions) {
        Ok(session) => session,
        Err((Refusal::Unknown, id)) => return unknown_session(&speaker, &id),
        Err((Refusal::Exists, id)) => return refuse(&format!("Error: Session ID {id} is already in use.")),
        Err((Refusal::InUse, id)) => return in_use(&id),
    };
    speaker.change(|facts| facts.session.clone_from(&session.id));

    let inbox = Arc::new(Inbox::default());
    inbox.already_heard(session.entries.iter().map(|entry| entry.uuid.clone()));
    listen_to_signals(inbox.clone(), speaker.clone());
    if let Err(line) = open_input(&flags, house, &inbox, &speaker) {
        return refuse(&line);
    }

    let mut failed = false;
    loop {
        let next = inbox.next();
        if next == Next::End {
            break;
        }
        failed = match next {
            Next::Messages(messages) => {
                if messages[0].text.trim() == "/clear"
                    && let Ok(fresh) =
                        sessions.create(&Uuid::new_v4().to_string(), !flags.has(NO_PERSISTENCE))
                {
                    session = fresh;
                    speaker.change(|facts| facts.session.clone_from(&session.id));
                }
                answer(&speaker, &inbox, &mut session, &flags, house, assistant, messages)
            }
            Next::Finished(finished) => {
                let task = &finished.task;
                speaker
                    .system("task_updated", json!({ "task_id": task, "patch": { "status": "completed" } }));
                speaker.system(
                    "task_notification",
                    json!({ "task_id": task, "tool_use_id": finished.tool_use, "status": "completed",
                            "output_file": "", "summary": finished.description }),
                );
                let origin = Some("task-notification");
                let mut turn = Turn::new(&speaker, &inbox, &mut session, &flags, Vec::new(), origin);
                let outcome = assistant.resume_after(&mut turn, &finished);
                turn.finish(outcome)
            }
            Next::End => break,
        };
        assistant.after_result();
        inbox.end_turn();
    }
    ExitCode::from(u8::from(failed))
}

const NO_PERSISTENCE: &str = "--no-session-persistence";

/// A turn for these messages. Gives whether it failed.
fn answer(
    speaker: &Speaker,
    inbox: &Arc<Inbox>,
    session: &mut Session,
    flags: &Flags,
    house: &House,
    assistant: &mut dyn Assistant,
    messages: Vec<Message>,
) -> bool {
    let text = messages.iter().map(|message| message.text.as_str()).collect::<Vec<_>>().join("\n");
    let wants_answer = messages[0].query;
    for message in &messages {
        session.add("user", &message.uuid, &message.text);
    }
    let mut turn = Turn::new(speaker, inbox, session, flags, messages, None);
    if !wants_answer {
        turn.end_as(Ending::Local(String::new()));
        return turn.finish(Ok(()));
    }
    if let Some(output) = local_command(&text, house, speaker) {
        turn.end_as(Ending::Local(output));
        return turn.finish(Ok(()));
    }
    let outcome = assistant.answer(&mut turn, &text);
    turn.finish(outcome)
}

/// What a slash command prints; `None` where the text is none, or one for the assistant.
fn local_command(text: &str, house: &House, speaker: &Speaker) -> Option<String> {
    let name = text.strip_prefix('/')?.split_whitespace().next()?;
    if name.contains('/') || text.starts_with("/ ") {
        return None;
    }
    match name {
        "clear" => Some(String::new()),
        "context" => Some("## Context Usage\n\n**Tokens:** 2.2k / 200k (1%)".to_owned()),
        "usage" | "cost" | "stats" => {
            Some(format!("Total cost:            ${:.4}", speaker.facts().cost_usd))
        }
        "compact" => {
            speaker.status(Some("compacting"), json!({}));
            speaker.status(None, json!({ "compact_result": "success" }));
            let about =
                json!({ "trigger": "manual", "pre_tokens": 2218, "post_tokens": 100, "duration_ms": 1 });
            speaker.system("compact_boundary", json!({ "compact_metadata": about }));
            Some(String::new())
        }
        _ if house.commands.iter().any(|(known, _)| *known == name) => None,
        "model" | "status" | "help" | "resume" | "permissions" | "agents" | "export" | "exit" => {
            Some(format!("/{name} isn't available in this environment."))
        }
        _ => Some(format!("Unknown command: /{name}")),
    }
}

fn speaker(flags: &Flags, house: &House, dir: &Path) -> Speaker {
    let format = match flags.value("--output-format") {
        Some("stream-json") => Format::StreamJson,
        Some("json") => Format::Json,
        _ => Format::Text,
    };
    let mut tools: Vec<String> =
        ["Task", "Bash", "Edit", "Glob", "Grep", "Read", "Write"].map(str::to_owned).into();
    if flags.value("--permission-prompt-tool") == Some("stdio") {
        tools.extend(["AskUserQuestion", "EnterPlanMode", "ExitPlanMode"].map(str::to_owned));
    }
    let local = ["clear", "compact", "context", "usage"].map(str::to_owned);
    let facts = Facts {
        session: String::new(),
        dir: dir.to_string_lossy().into_owned(),
        model: flags.value("--model").unwrap_or(house.model).to_owned(),
        permission_mode: flags.permission_mode().to_owned(),
        partial: flags.has("--include-partial-messages"),
        replay: flags.has("--replay-user-messages"),
        tools,
        commands: house.commands.iter().map(|(name, _)| (*name).to_owned()).chain(local).collect(),
        cost_usd: 0.0,
    };
    Speaker::new(Box::new(io::stdout()), format, facts)
}

/// The session that the command line asks for, or why not, with the id.
fn open_session(flags: &Flags, sessions: &Sessions) -> Result<Session, (Refusal, String)> {
    let persist = !flags.has(NO_PERSISTENCE);
    let chosen = flags.value("--session-id").map(str::to_owned);
    let create = |id: String| sessions.create(&id, persist).map_err(|refusal| (refusal, id));
    let wanted = match flags.value("--resume") {
        Some(id) => Some(id.to_owned()),
        None if flags.has("--continue") => sessions.latest(),
        None => None,
    };
    let Some(wanted) = wanted else {
        return create(chosen.unwrap_or_else(|| Uuid::new_v4().to_string()));
    };
    let old = sessions.resume(&wanted).map_err(|refusal| (refusal, wanted))?;
    if !flags.has("--fork-session") {
        return Ok(old);
    }
    let mut fork = create(chosen.unwrap_or_else(|| Uuid::new_v4().to_string()))?;
    for entry in &old.entries {
        fork.add(&entry.role, &entry.uuid, &entry.text);
    }
    Ok(fork)
}

/// Prompts come as lines on stdin, or there is one: from the command line, followed by stdin's text.
fn open_input(
    flags: &Flags,
    house: &'static House,
    inbox: &Arc<Inbox>,
    speaker: &Speaker,
) -> Result<(), String> {
    if flags.stream_input() {
        let (inbox, speaker, may_bypass) = (inbox.clone(), speaker.clone(), flags.may_bypass());
        std::thread::spawn(move || {
            control::read(BufReader::new(io::stdin()), &inbox, &speaker, house, may_bypass);
        });
        return Ok(());
    }
    let mut prompt = flags.prompt.join(" ");
    let mut more = String::new();
    if prompt.is_empty() && io::stdin().read_to_string(&mut more).is_ok() {
        prompt = more;
    }
    if prompt.trim().is_empty() {
        return Err(
            "Error: Input must be provided either through stdin or as a prompt argument when using --print"
                .into(),
        );
    }
    inbox.push(Message::from_text(prompt));
    inbox.close();
    Ok(())
}

/// SIGINT ends the turn and the process, SIGTERM and SIGHUP end it on the spot (the CLI's reference, §10).
fn listen_to_signals(inbox: Arc<Inbox>, speaker: Speaker) {
    let (ready, installed) = std::sync::mpsc::channel();
    let listen = async move || -> io::Result<()> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let _ = ready.send(());
        loop {
            tokio::select! {
                _ = interrupt.recv() => {
                    control::withdraw_ask(&inbox, &speaker);
                    inbox.cut(Cut::Signalled);
                }
                _ = terminate.recv() => {
                    if !inbox.ignores_term() {
                        std::process::exit(143);
                    }
                }
                _ = hangup.recv() => std::process::exit(129),
            }
        }
    };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        runtime.block_on(listen())
    });
    // Before the first turn, so that a signal during it is never met unprepared. An error is as good as an answer.
    let _ = installed.recv();
}

fn unknown_session(speaker: &Speaker, id: &str) -> ExitCode {
    let text = format!("No conversation found with session ID: {id}");
    eprintln!("{text}");
    speaker.change(|facts| id.clone_into(&mut facts.session));
    speaker.result(json!({
        "subtype": "error_during_execution", "duration_ms": 0, "duration_api_ms": 0, "is_error": true,
        "num_turns": 0, "stop_reason": null, "total_cost_usd": 0, "usage": usage(0, 0), "modelUsage": {},
        "permission_denials": [], "errors": [text],
    }));
    ExitCode::FAILURE
}

fn in_use(id: &str) -> ExitCode {
    eprintln!("TWO LIVE PROCESSES SHARE SESSION {id}: process {} gives up", std::process::id());
    ExitCode::from(SESSION_IN_USE)
}

fn refuse(line: &str) -> ExitCode {
    eprintln!("{line}");
    ExitCode::FAILURE
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// The directory for the sessions of all working directories.
fn state_base(house: &House) -> PathBuf {
    let home = std::env::var_os("CLAUDE_CONFIG_DIR").or_else(|| std::env::var_os("HOME"));
    home.map_or_else(std::env::temp_dir, PathBuf::from).join(house.state_dir)
}
