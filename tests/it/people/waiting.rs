//! `/waiting`: what waits for whose answer, across channels, for those who may look.

use switchboard::domain::ids::{ChannelId, MessageId, UserId};
use switchboard::playground::discord::{PATIENCE, World};

use crate::harness::{HARBOR, JONAS, LIGHTHOUSE, MARA, Stage, VERA};

/// What `/waiting` says to somebody, once it links to each of these cards: a card can be seen a little before the bot heard
/// that it was taken, and until then the link leads to what the turn said before.
async fn waiting(stage: &Stage, who: UserId, cards: &[(ChannelId, MessageId)]) -> String {
    let links: Vec<_> = cards
        .iter()
        .map(|(channel, card)| format!("https://discord.com/channels/{}/{channel}/{card}", World::GUILD))
        .collect();
    let linked = async {
        loop {
            let text = stage.slash_text(who, HARBOR, "waiting").await;
            if links.iter().all(|link| text.contains(link)) {
                return text;
            }
        }
    };
    tokio::time::timeout(*PATIENCE, linked).await.expect("links to all cards")
}

fn at(text: &str, what: &str) -> usize {
    text.find(what).unwrap_or_else(|| panic!("“{what}” is missing: {text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_listed_across_channels_for_those_who_may_look() {
    let people = format!("approvals = \"asker\"\n[[access.people]]\ntier = \"observer\"\nusers = [{VERA}]");
    let stage = Stage::new().await.with("access", &people);
    let _bot = stage.bot().await;
    assert!(stage.slash_text(MARA, HARBOR, "waiting").await.starts_with("Nothing waits"));
    let first = stage.ask(JONAS, HARBOR, "[[ask:bash:touch made.txt]][[say:That was it.]]");
    let (permission, _) = stage.card(HARBOR).await;
    let opened = stage.ask(MARA, LIGHTHOUSE, "[[question:Which colour shall the buoy have?|Red|Green]]");
    let thread = ChannelId(opened.0);
    let (question, _) = stage.card(thread).await;

    let both = [(HARBOR, permission), (thread, question)];
    let text = waiting(&stage, MARA, &both).await;
    let (own, others) = (at(&text, "**Waits for you**"), at(&text, "**Waits for others**"));
    let (asked, wanted) = (at(&text, "Which colour shall the buoy have?"), at(&text, "touch made.txt"));
    assert!(own < asked && asked < others && others < wanted, "{text}");
    at(&text, &format!("Only <@{JONAS}>, whose turn it is, answers. Denied <t:"));
    // The card's own time.
    let card = stage.discord.message(permission).expect("the card")["content"].clone();
    let card = card.as_str().and_then(|content| content.split("<t:").nth(1)).expect("a countdown");
    at(&text[wanted..], card.split(':').next().expect("a time"));

    // Whoever may look sees both, and that neither waits for them.
    let text = waiting(&stage, VERA, &both).await;
    assert!(!text.contains("for you") && text.contains("Which colour"), "{text}");
    stage.click(JONAS, permission, "Deny").await;
    stage.answer(HARBOR, first).await;
    let text = waiting(&stage, JONAS, &both[1..]).await;
    assert!(!text.contains("for you") && !text.contains("touch made.txt"), "{text}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_nothing_to_those_who_may_not_look_there() {
    let people = format!("users = [{VERA}]\ntier = \"operator\"");
    let stage = Stage::new().await.with("lighthouse", &people);
    let _bot = stage.bot().await;
    stage.ask(MARA, HARBOR, "[[ask:bash:touch made.txt]]");
    let (card, _) = stage.card(HARBOR).await;
    waiting(&stage, MARA, &[(HARBOR, card)]).await;
    let text = waiting(&stage, VERA, &[]).await;
    assert!(text.starts_with("Nothing waits"), "{text}");
    stage.assert_well_behaved();
}
