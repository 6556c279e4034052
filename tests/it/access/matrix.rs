//! Who may what, generated from two tables that a person reads: `matrix.txt`.

use std::collections::BTreeMap;
use std::path::Path;

use switchboard::config::{AccessConfig, ApprovalsBy, Config, PeopleEntry, Project, ResetBy, Spot};
use switchboard::discord::access::{Action, Asked, Person, Verdict, authorize};
use switchboard::domain::ids::{ChannelId, GuildId, RoleId, UserId};
use switchboard::domain::tier::Tier;

const TABLES: &str = include_str!("matrix.txt");
const PERSON: UserId = UserId(1);
const ROLE: RoleId = RoleId(2);
const OTHER: UserId = UserId(3);
const GUILD: GuildId = GuildId(10);
const CHANNEL: ChannelId = ChannelId(20);

/// A table: by row and column.
fn table(first_column: &str) -> BTreeMap<(String, String), String> {
    let mut lines = TABLES.lines().skip_while(|line| line.split_whitespace().next() != Some(first_column));
    let head: Vec<_> = lines.next().expect("the head of the table").split_whitespace().collect();
    let mut cells = BTreeMap::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let row = words.next().expect("the name of the row");
        let row_cells: Vec<_> = words.collect();
        assert_eq!(row_cells.len(), head.len(), "{row}");
        for (column, cell) in head.iter().zip(row_cells) {
            cells.insert((row.to_owned(), (*column).to_owned()), cell.to_owned());
        }
    }
    cells
}

fn spot(place: &str) -> (Spot, usize) {
    let at = |guild, channel, parent| Spot { guild: Some(guild), channel, parent };
    match place {
        "channel" => (at(GUILD, CHANNEL, None), 0),
        "thread" => (at(GUILD, ChannelId(21), Some(CHANNEL)), 0),
        // The same project, reached from a channel that no entry names.
        "other-channel" => (at(GUILD, ChannelId(22), None), 0),
        "other-project" => (at(GUILD, ChannelId(30), None), 1),
        "other-guild" => (at(GuildId(11), CHANNEL, None), 0),
        other => panic!("an unknown place: {other}"),
    }
}

/// The configuration that names the person in this way, with this tier.
fn config(way: &str, tier: Tier) -> Config {
    let entry = PeopleEntry {
        tier,
        users: vec![PERSON],
        roles: vec![],
        everyone: false,
        guild: None,
        channels: vec![],
    };
    let mut access = AccessConfig { tier, ..AccessConfig::default() };
    let mut project = Project::new("a", CHANNEL, "/a".into());
    match way {
        "user" => access.users = vec![PERSON],
        "role" => access.roles = vec![ROLE],
        "everyone" => access.everyone = true,
        "entry-everywhere" => access.people = vec![entry],
        "entry-guild" => access.people = vec![PeopleEntry { guild: Some(GUILD), ..entry }],
        "entry-channel" => access.people = vec![PeopleEntry { channels: vec![CHANNEL], ..entry }],
        "project-entry" => project.people = vec![entry],
        "project-user" => {
            (project.users, project.tier) = (vec![PERSON], Some(tier));
            access.tier = Tier::Operator;
        }
        "blocked" => {
            (access.users, access.roles, access.everyone) = (vec![PERSON], vec![ROLE], true);
            access.blocked = vec![PERSON];
        }
        "other-user" => access.users = vec![OTHER],
        "other-role" => access.roles = vec![RoleId(99)],
        "share" => {}
        other => panic!("an unknown way: {other}"),
    }
    let projects = vec![project, Project::new("b", ChannelId(30), "/b".into())];
    Config { access, projects, ..Config::default() }
}

fn action(name: &str) -> Action {
    let answer = |asker| {
        Action::Answer(Asked {
            asker: Some(asker),
            by_guest: false,
            second_person: false,
            has_part: false,
            edited_into: false,
            allows: true,
            lasts: name.starts_with("session"),
        })
    };
    match name {
        "look" => Action::Look,
        "prompt" => Action::Prompt,
        "stop-own" => Action::Stop { own: true },
        "stop-other" => Action::Stop { own: false },
        "answer-own" | "session-own" => answer(PERSON),
        "answer-other" | "session-other" => answer(OTHER),
        "choose" => Action::Choose,
        "discard" => Action::Discard,
        "reset" => Action::Reset,
        "share-own" => Action::Share { opener: true },
        "share-other" => Action::Share { opener: false },
        "why-own" => Action::Explain { own: true },
        "why-other" => Action::Explain { own: false },
        "bypass" => Action::Bypass,
        other => panic!("an unknown action: {other}"),
    }
}

/// What the person is, as the tables say.
fn standing(way: &str, counts: bool, tier: Tier) -> &'static str {
    match (way, counts) {
        ("blocked", _) => "blocked",
        (_, false) => "stranger",
        ("share", true) => "guest",
        (_, true) => tier.as_str(),
    }
}

#[test]
fn everybody_may_what_the_tables_say() {
    let (may, counts) = (table("look"), table("channel"));
    let mut cells = 0;
    let mut wrong = Vec::new();
    let ways: Vec<_> = counts.keys().collect();
    for (way, place) in &ways {
        for tier in Tier::ALL {
            for (reset, manages) in
                [(ResetBy::ManageMessages, false), (ResetBy::ManageMessages, true), (ResetBy::Members, false)]
            {
                for approvals in [ApprovalsBy::People, ApprovalsBy::Asker] {
                    let mut config = config(way, tier);
                    (config.access.reset, config.access.approvals) = (reset, approvals);
                    let (spot, project) = spot(place);
                    let project = &config.projects[project];
                    // A share is of one conversation: that of the channel. Its tier is never more than a member's.
                    let shared = way == "share" && spot.channel == CHANNEL;
                    let rule = config.access_at(project, spot);
                    let rule = rule.shared_with(shared.then_some((PERSON, Tier::Member)));
                    let person = Person { id: PERSON, roles: vec![ROLE], manages_messages: manages };
                    let is = standing(way, counts[&(way.clone(), place.clone())] == "x", tier);
                    for ((row, name), cell) in &may {
                        if row != is {
                            continue;
                        }
                        let expected = match cell.as_str() {
                            "x" => true,
                            "." => false,
                            "a" => approvals == ApprovalsBy::People,
                            "g" => manages || reset == ResetBy::Members,
                            "m" => reset == ResetBy::Members,
                            other => panic!("an unknown cell: {other}"),
                        };
                        let verdict = authorize(&rule, &person, action(name));
                        cells += 1;
                        if (verdict == Verdict::Allowed) != expected {
                            wrong.push(format!(
                                "{way} as {tier} in {place} ({reset:?}, {manages}, {approvals:?}) {name}: {verdict:?}"
                            ));
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cells}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cells >= 2_000, "{cells} cells");
}

/// A question of Claude's that is answered by letting it go ahead.
fn asked(column: &str) -> Asked {
    let (second_person, whose) = match column.strip_prefix("second-") {
        Some(whose) => (true, whose),
        None => (false, column),
    };
    Asked {
        asker: match whose {
            "own" => Some(PERSON),
            "nobodys" => None,
            "other" | "guests" | "part" | "edited" => Some(OTHER),
            other => panic!("an unknown column: {other}"),
        },
        by_guest: whose == "guests",
        second_person,
        has_part: matches!(whose, "own" | "part"),
        edited_into: whose == "edited",
        allows: true,
        lasts: false,
    }
}

#[test]
fn everybody_may_allow_what_the_table_says() {
    let mut wrong = Vec::new();
    for ((row, column), cell) in table("own") {
        let (approvals, is) = row.split_once('/').expect("approvals and what they are");
        // A guest is named by nobody.
        let tier = Tier::ALL.into_iter().find(|tier| tier.as_str() == is);
        let mut config = config(if tier.is_some() { "user" } else { "share" }, tier.unwrap_or(Tier::Member));
        (config.access.approvals, config.access.approval_roles) = match approvals {
            "people" => (ApprovalsBy::People, vec![]),
            "asker" => (ApprovalsBy::Asker, vec![]),
            "roles-with" => (ApprovalsBy::Roles, vec![ROLE]),
            "roles-without" => (ApprovalsBy::Roles, vec![RoleId(99)]),
            other => panic!("unknown approvals: {other}"),
        };
        let rule = config.access_at(&config.projects[0], spot("channel").0);
        let rule = rule.shared_with(tier.is_none().then_some((PERSON, Tier::Member)));
        let person = Person { id: PERSON, roles: vec![ROLE], manages_messages: false };
        let allowing = asked(&column);
        let verdict = authorize(&rule, &person, Action::Answer(allowing));
        if (verdict == Verdict::Allowed) != (cell == "x") {
            wrong.push(format!("{row} {column}: {verdict:?}"));
        }
        // Saying no takes no second person.
        let denying = Asked { allows: false, ..allowing };
        let plain = Asked { second_person: false, edited_into: false, ..allowing };
        let [no, yes] = [denying, plain].map(|asked| authorize(&rule, &person, Action::Answer(asked)));
        assert_eq!(no, yes, "{row} {column}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_names_every_tier_and_the_file_is_where_people_look() {
    let may = table("look");
    for tier in Tier::ALL {
        assert!(may.keys().any(|(row, _)| row == tier.as_str()), "{tier}");
    }
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/access/matrix.txt").is_file());
}
