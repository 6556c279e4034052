//! What people do with our buttons, menus and forms, and the ways to answer it. Discord wants the first answer within
//! three seconds, and a form is only taken as the first one.

use serenity::all::{
    ActionRowComponent, ComponentInteraction, ComponentInteractionDataKind, Context, CreateActionRow,
    CreateAllowedMentions, CreateAttachment, CreateInputText, CreateInteractionResponse,
    CreateInteractionResponseFollowup, CreateInteractionResponseMessage, CreateModal,
    EditInteractionResponse, InputTextStyle, Member, ModalInteraction, Permissions, User,
};

use super::access::Person;
use super::{Data, rest};
use crate::chain::Chain;
use crate::domain::ids::{ChannelId, GuildId, MessageId, RoleId, UserId};
use crate::render::form::{Form, Input};
use crate::render::message::File;

/// Something that a person did.
#[derive(Clone, Copy)]
pub enum Incoming<'a> {
    /// A click on a button, or a choice in a menu.
    Click(&'a ComponentInteraction),
    /// A form that was sent off.
    Form(&'a ModalInteraction),
}

impl Incoming<'_> {
    /// The id of the button, the menu or the form.
    pub fn custom_id(&self) -> &str {
        match self {
            Incoming::Click(click) => &click.data.custom_id,
            Incoming::Form(form) => &form.data.custom_id,
        }
    }

    /// Discord's id of what was done.
    pub fn id(&self) -> u64 {
        match self {
            Incoming::Click(click) => click.id.get(),
            Incoming::Form(form) => form.id.get(),
        }
    }

    /// The channel in which it was done.
    pub fn channel(&self) -> ChannelId {
        ChannelId(match self {
            Incoming::Click(click) => click.channel_id.get(),
            Incoming::Form(form) => form.channel_id.get(),
        })
    }

    /// The server in which it was done.
    pub fn guild(&self) -> Option<GuildId> {
        let id = match self {
            Incoming::Click(click) => click.guild_id,
            Incoming::Form(form) => form.guild_id,
        };
        id.map(|id| GuildId(id.get()))
    }

    /// The message with the button or menu; a form may have none.
    pub fn message(&self) -> Option<MessageId> {
        let id = match self {
            Incoming::Click(click) => Some(click.message.id),
            Incoming::Form(form) => form.message.as_ref().map(|message| message.id),
        };
        id.map(|id| MessageId(id.get()))
    }

    /// What was chosen in a menu: numbers of its items. Whatever else stands there is nobody's choice.
    pub fn chosen(&self) -> Vec<usize> {
        match self {
            Incoming::Click(click) => match &click.data.kind {
                ComponentInteractionDataKind::StringSelect { values } => {
                    values.iter().filter_map(|value| value.parse().ok()).collect()
                }
                _ => Vec::new(),
            },
            Incoming::Form(_) => Vec::new(),
        }
    }

    /// What was written into a form's fields, in their order.
    pub fn written(&self) -> Vec<String> {
        let Incoming::Form(form) = self else { return Vec::new() };
        let mut written = Vec::new();
        for component in form.data.components.iter().flat_map(|row| &row.components) {
            let ActionRowComponent::InputText(input) = component else { continue };
            let Ok(number) = input.custom_id.parse::<u8>() else { continue };
            let number = usize::from(number);
            if written.len() <= number {
                written.resize(number + 1, String::new());
            }
            written[number] = input.value.clone().unwrap_or_default();
        }
        written
    }

    /// Who did it, as Discord says in the interaction itself.
    pub fn person(&self) -> Person {
        let (user, member) = self.who();
        Person {
            id: UserId(user.id.get()),
            roles: member.iter().flat_map(|member| &member.roles).map(|role| RoleId(role.get())).collect(),
            manages_messages: member
                .and_then(|member| member.permissions)
                .is_some_and(|permissions| permissions.contains(Permissions::MANAGE_MESSAGES)),
        }
    }

    /// What they are called here.
    pub fn name(&self) -> String {
        let (user, member) = self.who();
        let nick = member.and_then(|member| member.nick.clone());
        nick.or_else(|| user.global_name.clone()).unwrap_or_else(|| user.name.clone())
    }

    fn who(&self) -> (&User, Option<&Member>) {
        match self {
            Incoming::Click(click) => (&click.user, click.member.as_ref()),
            Incoming::Form(form) => (&form.user, form.member.as_ref()),
        }
    }

    /// Tells Discord that it came. Where there is no message that could stay as it is, the answer follows.
    pub async fn acknowledge(&self, ctx: &Context, data: &Data) {
        let private = CreateInteractionResponseMessage::new().ephemeral(true);
        let response = match self.message() {
            Some(_) => CreateInteractionResponse::Acknowledge,
            None => CreateInteractionResponse::Defer(private),
        };
        self.respond(ctx, data, response).await;
    }

    /// Opens a form for the person: the first answer, instead of an acknowledgement.
    pub async fn open(&self, ctx: &Context, data: &Data, custom_id: &str, form: Form) {
        self.respond(ctx, data, CreateInteractionResponse::Modal(modal(custom_id, form))).await;
    }

    async fn respond(&self, ctx: &Context, data: &Data, response: CreateInteractionResponse) {
        let responding = async {
            match self {
                Incoming::Click(click) => click.create_response(&ctx.http, response).await,
                Incoming::Form(form) => form.create_response(&ctx.http, response).await,
            }
        };
        let responded = rest::answer(data.catch_up.breaker(), responding).await;
        if let Err(error) = responded {
            tracing::warn!(error = %Chain(&error), "an interaction could not be answered");
        }
    }

    /// Says something to this person alone.
    pub async fn tell(&self, ctx: &Context, data: &Data, sentence: &str, file: Option<File>) {
        let mut answer = CreateInteractionResponseFollowup::new()
            .content(sentence)
            .allowed_mentions(CreateAllowedMentions::new())
            .ephemeral(true);
        if let Some(file) = file {
            answer = answer.add_file(CreateAttachment::bytes(file.bytes, file.name));
        }
        let telling = async {
            match self {
                Incoming::Click(click) => click.create_followup(&ctx.http, answer).await,
                Incoming::Form(form) => form.create_followup(&ctx.http, answer).await,
            }
        };
        let told = rest::answer(data.catch_up.breaker(), telling).await;
        if let Err(error) = told {
            tracing::warn!(error = %Chain(&error), "an answer to a click could not be sent");
        }
    }

    /// Takes the buttons away from the message, which nothing else changes any more.
    pub async fn take_buttons_away(&self, ctx: &Context, data: &Data) {
        let without = EditInteractionResponse::new().components(Vec::new());
        let editing = async {
            match self {
                Incoming::Click(click) => click.edit_response(&ctx.http, without).await,
                Incoming::Form(form) => form.edit_response(&ctx.http, without).await,
            }
        };
        let edited = rest::answer(data.catch_up.breaker(), editing).await;
        if let Err(error) = edited {
            tracing::warn!(error = %Chain(&error), "a button could not be taken away");
        }
    }
}

/// A form as Discord takes it, known by this id.
pub fn modal(custom_id: &str, form: Form) -> CreateModal {
    let rows =
        (0u8..).zip(form.inputs).map(|(number, field)| CreateActionRow::InputText(input(number, field)));
    CreateModal::new(custom_id, form.title).components(rows.collect())
}

fn input(number: u8, field: Input) -> CreateInputText {
    let style = if field.long { InputTextStyle::Paragraph } else { InputTextStyle::Short };
    let mut input = CreateInputText::new(style, field.label, number.to_string())
        .required(field.required)
        .max_length(u16::try_from(field.units_max).unwrap_or(u16::MAX));
    if !field.value.is_empty() {
        input = input.value(field.value);
    }
    if !field.placeholder.is_empty() {
        input = input.placeholder(field.placeholder);
    }
    input
}
