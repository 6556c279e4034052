//! Background tasks: what a tool began and left running. They outlive their turn.

use super::{Dialogue, Step};
use crate::claude::wire::system::TaskStarted;
use crate::domain::event::TurnEvent;

impl Dialogue {
    /// How many background tasks run.
    pub fn background_running(&self) -> usize {
        self.tasks.len()
    }

    /// The task that this tool use began is over, if it began one that runs.
    pub(super) fn task_of_tool_over(&mut self, tool_use: &str, steps: &mut Vec<Step>) {
        let over = self.tasks.iter().find(|(_, (_, by))| by.as_deref() == Some(tool_use));
        if let Some(task) = over.map(|(id, _)| id.clone()) {
            self.task_over(&task, steps);
        }
    }

    pub(super) fn task_started(&mut self, task: TaskStarted, steps: &mut Vec<Step>) {
        if self.turn.is_some() {
            steps.push(Step::Event(TurnEvent::Background {
                task: task.task_id.clone(),
                description: task.description.clone(),
                running: true,
            }));
        }
        self.tasks.insert(task.task_id, (task.description, task.tool_use_id));
    }

    pub(super) fn task_over(&mut self, task: &str, steps: &mut Vec<Step>) {
        let Some((description, _)) = self.tasks.remove(task) else { return };
        if self.turn.is_some() {
            let task = task.to_owned();
            steps.push(Step::Event(TurnEvent::Background { task, description, running: false }));
        }
    }
}
