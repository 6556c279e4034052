//! What an MCP server asks people: the CLI hands the question on, and the answer back.

use serde_json::json;

use super::{stage, tool_results, write};
use crate::harness::{Bot, HARBOR, MARA, Stage, eventually};

/// A server with one tool, which asks for a seat and tells what it heard (MCP: basic/transports, stdio; client/elicitation).
const SERVER: &str = r#"
const lines = require("readline").createInterface({ input: process.stdin });
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n");
let call;
lines.on("line", (line) => {
  const { id, method, params, result, error } = JSON.parse(line);
  if (method === "initialize") {
    const serverInfo = { name: "desk", version: "1" };
    send({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo } });
  } else if (method === "tools/list") {
    require("fs").writeFileSync("known-" + process.ppid, "");
    send({ id, result: { tools: [{ name: "book", description: "Books a seat.", inputSchema: { type: "object" } }] } });
  } else if (method === "tools/call") {
    call = id;
    const requestedSchema = { type: "object", required: ["seat"], properties: {
      seat: { type: "string", title: "Seat", description: "Row and letter", minLength: 2 },
      window: { type: "boolean" } } };
    send({ id: "asks", method: "elicitation/create", params: { message: "Which seat?", requestedSchema } });
  } else if (id === "asks") {
    send({ id: call, result: { content: [{ type: "text", text: "heard " + JSON.stringify(result ?? error) }] } });
  } else if (id !== undefined) {
    send({ id, result: {} });
  }
});
"#;

/// A stage whose CLI knows the server: the user of the host has it for all their projects.
async fn with_server(stage: Stage) -> (Stage, Bot) {
    let file = stage.dir().join("home/desk.js");
    write(&file, SERVER);
    let servers = json!({ "mcpServers": { "desk": { "command": "node", "args": [file] } } });
    write(&stage.dir().join("home/.claude.json"), &servers.to_string());
    let stage = stage.with("harbor", "allowed_tools = [\"mcp__desk__book\"]");
    let bot = stage.bot().await;
    // It begins without its servers, and asks each for its tools when that is there.
    stage.exchange(HARBOR, "[[say:Hello.]]").await;
    let known = |cli: i32| stage.dir().join(format!("harbor/known-{cli}")).exists();
    eventually("the CLI to know the server", || stage.clis("harbor").into_iter().any(known).then_some(()))
        .await;
    (stage, bot)
}

const BOOK: &str = "[[tool:mcp__desk__book {}]][[say:So be it.]]";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_asks_is_answered_with_a_form() {
    let Some((api, stage)) = stage().await else { return };
    let (stage, _bot) = with_server(stage).await;
    let message = stage.ask(MARA, HARBOR, BOOK);
    let (card, labels) = stage.card(HARBOR).await;
    assert_eq!(labels, ["Answer", "Decline"]);
    stage.answer_shows(HARBOR, message, "**desk asks:**").await;
    stage.answer_shows(HARBOR, message, "- **Seat**: Row and letter").await;
    let opened = stage.click(MARA, card, "Answer").await;
    stage.submit(opened, &["12C", "yes"]).await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("answered by Mara") && answer.contains("So be it."), "{answer}");
    let heard = tool_results(&api)[0].replace('\\', "");
    assert!(heard.contains(r#"heard {"action":"accept","content":{"seat":"12C","window":true}}"#), "{heard}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_asks_is_declined() {
    let Some((api, stage)) = stage().await else { return };
    let (stage, _bot) = with_server(stage).await;
    let message = stage.ask(MARA, HARBOR, BOOK);
    let (card, _) = stage.card(HARBOR).await;
    stage.click(MARA, card, "Decline").await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("declined by Mara") && answer.contains("So be it."), "{answer}");
    let heard = tool_results(&api)[0].replace('\\', "");
    assert!(heard.contains(r#"heard {"action":"decline""#), "{heard}");
    stage.assert_well_behaved();
}
