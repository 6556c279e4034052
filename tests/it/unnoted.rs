//! What Discord took and no daemon lived to note.

use switchboard::domain::ids::MessageId;

use crate::harness::{BOT, HARBOR, MARA, Stage, eventually, hears_tests};

/// How many of the bot's messages have this text.
fn copies(stage: &Stage, text: &str) -> usize {
    stage.bot_messages(HARBOR).iter().filter(|content| content.contains(text)).count()
}

/// Whether the reaction says that all of the answer is posted.
fn is_done(stage: &Stage, message: MessageId) -> bool {
    let reactions = stage.discord.reactions(message);
    reactions.iter().any(|(emoji, users)| emoji == "✅" && users.contains(&BOT))
}

/// Each daemon dies when Discord has taken a change and nobody noted it, among them the last change of all: the next one
/// must not take the row's word for what stands there.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_words_stand_although_daemons_die_before_they_note_them() {
    if !hears_tests() {
        return;
    }
    for (script, messages) in [("[[say:Short.]]", 1), ("[[lines:120]]", 3)] {
        let stage = Stage::new().await;
        let bot = stage.bot().await;
        let gate = stage.dir().join("gate");
        let text = format!("[[say:Begin.]] [[wait:{}]] {script} [[say:The last words.]]", gate.display());
        let message = stage.ask(MARA, HARBOR, &text);
        stage.answer_shows(HARBOR, message, "Begin.").await;
        bot.kill();
        // It ends while nobody is there, so that the first change is the last one already.
        std::fs::write(&gate, "").expect("the gate opens");
        eventually("the end of the turn", || stage.has_result().then_some(())).await;
        let mut deaths = 0;
        for nth in 1.. {
            let mut around = stage.around_bot().clone();
            around.env.push(("FAIL_AT".to_owned(), format!("Edited:{nth}")));
            let mut bot = stage.bot_unready_with(&around);
            let over = eventually("its death, or the end", || {
                let delivered = is_done(&stage, message);
                (bot.is_over() || delivered).then(|| bot.is_over())
            })
            .await;
            if !over {
                break;
            }
            deaths += 1;
        }
        assert!(deaths > 0);
        let _bot = stage.bot().await;
        let answer = stage.answer(HARBOR, message).await;
        assert!(answer.contains("Begin.") && answer.contains("The last words."), "{answer}");
        assert!(!answer.contains("writing") && !answer.contains("working"), "{answer}");
        assert!(stage.bot_messages(HARBOR).len() >= messages, "{:#?}", stage.bot_messages(HARBOR));
        for text in ["Begin.", "The last words.", "-# ✅"] {
            assert_eq!(copies(&stage, text), 1, "{text}: {:#?}", stage.bot_messages(HARBOR));
        }
        stage.assert_well_behaved();
    }
}
