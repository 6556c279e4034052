//! Thousands of interactions against what Claude asks: malformed, replayed, too late, by the wrong person, with values that
//! no menu offers, and fifty at once. Each is acknowledged in time, and each ask has one decision.

use serde_json::{Value, json};
use switchboard::domain::ids::{MessageId, UserId};
use switchboard::playground::discord::InteractionId;

use super::ASKS;
use crate::harness::{HARBOR, JONAS, LIGHTHOUSE, MARA, Stage, VERA};

/// How many interactions there are against one ask, and how many of them at once.
const PER_ASK: usize = 100;
const AT_ONCE: usize = 50;
/// The kinds of interactions, as Discord counts them.
const COMMAND: u8 = 2;
const COMPONENT: u8 = 3;
const FORM: u8 = 5;

/// Something that Claude asks, and what people can do about it.
struct Kind {
    asks: &'static str,
    /// What decides by one click.
    deciding: &'static [&'static str],
    /// What opens a form, and what is written into it.
    form: (&'static str, &'static [&'static str]),
    /// What is chosen before, by menu.
    chosen: &'static [&'static str],
}

const KINDS: [Kind; 5] = [
    Kind {
        asks: ASKS,
        deciding: &["Allow once", "Deny"],
        form: ("Deny and say why", &["not now"]),
        chosen: &[],
    },
    Kind {
        asks: "[[question:Which colour?|Red|Green]]",
        deciding: &["Red", "Green", "Don't answer"],
        form: ("Other…", &["teal"]),
        chosen: &[],
    },
    Kind {
        asks: "[[plan:# Plan\n1. Paint the buoy]]",
        deciding: &["Approve"],
        form: ("Keep planning", &["Paint it red first."]),
        chosen: &[],
    },
    Kind {
        asks: r#"[[elicit:{"type":"object","required":["key"],"properties":{"key":{"type":"string"}}}]]"#,
        deciding: &["Decline"],
        form: ("Answer", &["HARB-1"]),
        chosen: &[],
    },
    Kind {
        asks: r#"[[questions:[
            {"question":"Which colour?","header":"Colour","multiSelect":false,
             "options":[{"label":"Red","description":"r"},{"label":"Blue","description":"b"}]},
            {"question":"Which toppings?","header":"Toppings","multiSelect":true,
             "options":[{"label":"Ham","description":"h"},{"label":"Olives","description":"o"}]}]]]"#,
        deciding: &["Send", "Don't answer"],
        form: ("Other…", &["teal", "ham"]),
        chosen: &["1", "0"],
    },
];

/// An open ask under attack.
struct Siege<'a> {
    stage: &'a Stage,
    kind: &'static Kind,
    card: MessageId,
    /// Label and id of each of the card's buttons, and the ids of its menus.
    buttons: Vec<(String, String)>,
    menus: Vec<String>,
    /// How many interactions there were.
    count: usize,
}

impl<'a> Siege<'a> {
    async fn begin(stage: &'a Stage, kind: &'static Kind, asker: UserId) -> (Self, MessageId) {
        let message = stage.ask(asker, HARBOR, kind.asks);
        let (card, _) = stage.card(HARBOR).await;
        let shown = stage.discord.message(card).expect("the card is there");
        let rows = shown["components"].as_array().into_iter().flatten();
        let items: Vec<_> = rows.flat_map(|row| row["components"].as_array().into_iter().flatten()).collect();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let of = |kind: u64| items.iter().filter(move |item| item["type"] == kind);
        let buttons = of(2).map(|item| (text(&item["label"]), text(&item["custom_id"]))).collect();
        let menus = of(3).map(|item| text(&item["custom_id"])).collect();
        (Self { stage, kind, card, buttons, menus, count: 0 }, message)
    }

    fn id_of(&self, label: &str) -> &str {
        let found = self.buttons.iter().find(|(known, _)| known == label);
        &found.unwrap_or_else(|| panic!("there is no button {label}: {:?}", self.buttons)).1
    }

    fn deciding(&self) -> Vec<String> {
        self.kind.deciding.iter().map(|label| self.id_of(label).to_owned()).collect()
    }

    /// A click, whether the button is still there or not.
    fn press(&mut self, user: UserId, id: &str) -> InteractionId {
        self.count += 1;
        let data = json!({"custom_id": id, "component_type": 2, "id": 1});
        let clicked = self.stage.discord.try_component(user, self.card, id, &[]);
        clicked.unwrap_or_else(|| self.stage.discord.forge(COMPONENT, user, HARBOR, Some(self.card), &data))
    }

    fn choose(&mut self, user: UserId, id: &str, values: &[&str]) -> InteractionId {
        self.count += 1;
        let data = json!({"custom_id": id, "component_type": 3, "id": 1, "values": values, "resolved": {}});
        self.stage.discord.forge(COMPONENT, user, HARBOR, Some(self.card), &data)
    }

    fn send_form(&mut self, user: UserId, id: &str, texts: &[(&str, &str)]) -> InteractionId {
        self.count += 1;
        let row = |(id, text): &(&str, &str)| json!({"type": 1, "components": [{"type": 4, "custom_id": id, "value": text}]});
        let rows: Vec<_> = texts.iter().map(row).collect();
        let data = json!({"custom_id": id, "components": rows, "resolved": {}});
        self.stage.discord.forge(FORM, user, HARBOR, Some(self.card), &data)
    }

    async fn state(&self) -> String {
        self.stage.sql("SELECT state FROM asks ORDER BY rowid DESC LIMIT 1").await.remove(0)
    }

    /// What is no button, menu, form or command of ours, whoever sends it.
    async fn nonsense(&mut self, number: usize) {
        let id = self.id_of(self.kind.deciding[0]).to_owned();
        let ask = self.stage.sql("SELECT id FROM asks ORDER BY rowid DESC LIMIT 1").await.remove(0);
        let long = "x".repeat(10_000);
        let ids: [&str; 12] = [
            "",
            " ",
            &long,
            &ask,
            &id[1..],
            &id[..id.len() - 1],
            "' OR 1=1; --",
            "../../state/switchboard.db",
            "\u{0}\u{202e}\u{200b}",
            "{\"Answer\":{\"choice\":\"AllowOnce\"}}",
            "null",
            "👩‍👩‍👧‍👧",
        ];
        let upper = id.to_uppercase();
        let mut sent = vec![self.press(MARA, &format!("{id}0")), self.press(MARA, &format!(" {id}"))];
        if upper != id {
            sent.push(self.press(MARA, &upper));
        }
        for (at, id) in ids.into_iter().enumerate() {
            let user = [MARA, JONAS, VERA][(at + number) % 3];
            sent.push(match (at + number) % 3 {
                0 => self.press(user, id),
                1 => self.choose(user, id, &["0"]),
                _ => self.send_form(user, id, &[("0", "yes")]),
            });
        }
        for id in sent {
            self.stage.acknowledged(id).await;
            let told = self.stage.told_privately(id).await;
            assert!(told.contains("I do not know this button"), "{told}");
        }
        let commands = [
            json!({"id": "1", "name": "allow", "type": 1, "options": []}),
            json!({"id": "1", "name": "model", "type": 1, "options": [{"name": "model", "type": 4, "value": 7}]}),
        ];
        self.count += commands.len();
        let stage = self.stage;
        for command in commands {
            let id = stage.discord.forge(COMMAND, VERA, HARBOR, None, &command);
            let told = crate::harness::private_text(&stage.replied(id).await);
            assert!(told.contains("I do not know this command"), "{told}");
        }
    }

    /// What is ours, by somebody who is nobody here; also from another channel, and in another shape.
    async fn stranger(&mut self, form: &str) {
        let buttons: Vec<_> = self.buttons.iter().map(|(_, id)| id.clone()).collect();
        let mut sent: Vec<_> = buttons.iter().map(|id| self.press(VERA, id)).collect();
        for id in self.menus.clone() {
            sent.push(self.choose(VERA, &id, &["0"]));
        }
        for id in self.deciding() {
            sent.push(self.choose(VERA, &id, &["0", "1"]));
            sent.push(self.send_form(VERA, &id, &[("0", "yes")]));
            let data = json!({"custom_id": id, "component_type": 2, "id": 1});
            sent.push(self.stage.discord.forge(COMPONENT, VERA, LIGHTHOUSE, Some(self.card), &data));
            self.count += 1;
        }
        sent.push(self.send_form(VERA, form, &[("0", "yes")]));
        for id in sent {
            self.stage.acknowledged(id).await;
            let told = self.stage.told_privately(id).await;
            assert!(told.contains("You are not among the people"), "{told}");
        }
    }

    /// Values that no menu offers and no field has, by somebody who may answer.
    async fn wrong_values(&mut self, form: &str) {
        let many: Vec<String> = (0..40).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let values: [&[&str]; 7] =
            [&[], &["99"], &["-1"], &["18446744073709551616"], &["x", ""], &["0", "0", "0"], &many];
        let mut sent = Vec::new();
        for id in self.menus.clone() {
            sent.extend(values.map(|values| self.choose(MARA, &id, values)));
            sent.push(self.press(MARA, &id));
        }
        if self.kind.deciding == ["Decline"] {
            // A form without what is required.
            let fields: [&[(&str, &str)]; 4] =
                [&[], &[("0", "")], &[("255", "x"), ("-1", "y"), ("key", "z"), ("", "")], &[("300", "x")]];
            sent.extend(fields.map(|fields| self.send_form(MARA, form, fields)));
        }
        for id in sent {
            self.stage.acknowledged(id).await;
        }
    }

    /// Fifty at once, by those who may.
    async fn rush(&mut self, forms: &[(UserId, String)], stops: bool) -> Vec<InteractionId> {
        let texts: Vec<_> = ["0", "1"].into_iter().zip(self.kind.form.1.iter().copied()).collect();
        let deciding = self.deciding();
        let mut sent = Vec::new();
        for number in 0..AT_ONCE {
            if stops && number == AT_ONCE / 5 {
                let data = self.stage.discord.slash(MARA, HARBOR, "stop", json!([]));
                self.count += 1;
                sent.push(data);
            }
            sent.push(if number % 5 == 4 {
                let (user, form) = &forms[number / 5 % forms.len()];
                self.send_form(*user, form, &texts)
            } else {
                let user = if number % 2 == 0 { MARA } else { JONAS };
                self.press(user, &deciding[number % deciding.len()])
            });
        }
        // The gateway brings some of them twice, before and after they are served.
        for id in sent.iter().step_by(7) {
            self.stage.discord.repeat(*id);
        }
        for id in &sent {
            self.stage.acknowledged(*id).await;
        }
        for id in sent.iter().step_by(11) {
            self.stage.discord.repeat(*id);
        }
        sent
    }

    /// Whatever comes when all is decided.
    async fn late(&mut self, forms: &[(UserId, String)]) {
        let deciding = self.deciding();
        let texts: Vec<_> = ["0", "1"].into_iter().zip(self.kind.form.1.iter().copied()).collect();
        let mut number = 0;
        while self.count < PER_ASK {
            let user = [MARA, JONAS, VERA][number % 3];
            let sent = match number % 4 {
                0 | 1 => self.press(user, &deciding[number % deciding.len()]),
                2 => self.choose(user, &deciding[0], &["0"]),
                _ => self.send_form(user, &forms[0].1, &texts),
            };
            number += 1;
            self.stage.acknowledged(sent).await;
            let told = self.stage.told_privately(sent).await;
            let says = ["was first", "is void", "is settled", "not among the people", "by itself"];
            assert!(says.iter().any(|known| told.contains(known)), "{told}");
        }
    }

    /// Opens the form, as two people do before it is decided; gives the form's id for each.
    async fn open(&mut self) -> Vec<(UserId, String)> {
        let mut forms = Vec::new();
        for user in [MARA, JONAS] {
            self.count += 1;
            let opened = self.stage.click(user, self.card, self.kind.form.0).await;
            let id = self.stage.form(opened)["custom_id"].as_str().unwrap_or_default().to_owned();
            forms.push((user, id));
        }
        forms
    }
}

/// All of it against one ask; how many interactions that were.
async fn besiege(stage: &Stage, number: usize) -> usize {
    let kind = &KINDS[number % KINDS.len()];
    let asker = if number.is_multiple_of(2) { MARA } else { JONAS };
    let (mut siege, message) = Siege::begin(stage, kind, asker).await;
    let forms = siege.open().await;
    siege.nonsense(number).await;
    siege.stranger(&forms[0].1).await;
    siege.wrong_values(&forms[0].1).await;
    assert_eq!(siege.state().await, "open", "something decided {}", kind.asks);
    for (menu, value) in kind.chosen.iter().enumerate() {
        siege.count += 1;
        stage.choose(MARA, siege.card, menu, &[value]).await;
    }
    siege.rush(&forms, number % 4 == 3).await;
    stage.answer(HARBOR, message).await;
    stage
        .discord
        .wait_for("the card to have no buttons", |discord| {
            let card = discord.message(siege.card)?;
            card["components"].as_array().is_none_or(Vec::is_empty).then_some(())
        })
        .await;
    siege.late(&forms).await;
    siege.count
}

/// What decided on each ask, and that it was one of those who may.
async fn assert_decided_once(stage: &Stage) {
    let open = stage.sql("SELECT id FROM asks WHERE state = 'open'").await;
    assert!(open.is_empty(), "{open:?}");
    let unlike = "SELECT id || ' ' || state FROM asks
                  WHERE (SELECT count(*) FROM audit WHERE action = 'answer' AND target = asks.id) <> 1";
    assert_eq!(stage.sql(unlike).await, [] as [String; 0], "what is decided and what is noted differ");
    let others = format!(
        "SELECT actor || ' ' || target FROM audit WHERE action = 'answer' AND actor NOT IN ({MARA}, {JONAS})"
    );
    assert_eq!(stage.sql(&others).await, [] as [String; 0], "somebody else decided");
    let mut told: Vec<_> = stage.cli_log("told").iter().map(|line| line["question"].to_string()).collect();
    let all = told.len();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), all, "the CLI was told twice");
}

/// `SWITCHBOARD_INTERACTIONS` raises the number of interactions.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_people_send_each_ask_has_one_decision() {
    let wanted = std::env::var("SWITCHBOARD_INTERACTIONS").ok();
    let wanted = wanted.map_or(6 * PER_ASK, |count| count.parse().expect("a number"));
    let stage = Stage::new().await.with_daemon_env("LOG_LEVEL", "info");
    stage.discord.faults().limits_lifted(true);
    let bot = stage.bot().await;
    let (mut count, mut asks) = (0, 0);
    while count < wanted {
        count += besiege(&stage, asks).await;
        asks += 1;
    }
    assert_eq!(stage.sql("SELECT count(*) || '' FROM asks").await, [asks.to_string()]);
    assert_decided_once(&stage).await;
    assert_eq!(bot.stop().code, Some(0));
    let bad = |line: &&Value| line["level"] == "ERROR" || line.to_string().contains("panicked");
    let lines = stage.log_lines();
    let bad: Vec<_> = lines.iter().filter(bad).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    stage.assert_well_behaved();
    eprintln!("{count} interactions against {asks} asks");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_expired_takes_no_answer() {
    let stage = Stage::new().await.with("limits", "ask_secs_max = 20\nask_remind_secs_max = 0");
    let bot = stage.bot().await;
    let (mut siege, message) = Siege::begin(&stage, &KINDS[0], MARA).await;
    stage.answer(HARBOR, message).await;
    assert_eq!(siege.state().await, "expired");
    let sent: Vec<_> = (0..AT_ONCE)
        .map(|number| {
            let id = siege.deciding()[number % 2].clone();
            siege.press([MARA, JONAS][number / 2 % 2], &id)
        })
        .collect();
    for id in sent {
        let told = stage.told_privately(id).await;
        assert!(told.contains("Nobody answered in time"), "{told}");
    }
    assert_eq!(stage.sql("SELECT state || coalesce(settled_by, '') FROM asks").await, ["expired"]);
    assert!(stage.cli_log("told").iter().all(|told| told["allowed"] == false));
    assert_eq!(bot.stop().code, Some(0));
    stage.assert_well_behaved();
}
