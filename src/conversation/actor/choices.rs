//! What people choose for a conversation: told to its process, and what came of it to them.

use super::{Actor, ActorError, Input};
use crate::claude::Tuning;
use crate::conversation::state::Tuned;
use crate::domain::ids::ProcessId;
use crate::fail_point::{Point, pass};

impl Actor {
    /// Writes the lines, and stores that the process was told this.
    pub(super) async fn tell(
        &mut self,
        process: ProcessId,
        tuning: &Tuning,
        lines: Vec<String>,
    ) -> Result<(), ActorError> {
        for line in lines {
            self.write(line).await;
        }
        // After the lines: a daemon that dies in between says them again, and nothing comes of that.
        self.shared.store.process_told(process, &tuning.to_json()).await?;
        Ok(())
    }

    /// Everybody who waits for it hears what came of their choice.
    pub(super) fn heard(&mut self, tuned: Tuned) {
        for reply in self.choosers.drain(..) {
            super::requests::answer(reply, tuned);
        }
    }

    /// A plan was approved, so what comes next is not planned any more; where the project itself plans, the next prompt
    /// is planned again, in this process as in a new one.
    pub(super) async fn left_plan(&mut self) -> Result<Option<Input>, ActorError> {
        pass(Point::PlanLeft).await;
        if self.shared.store.leave_plan(self.conversation.id).await? {
            self.look_up().await?;
        }
        let wanted = self.shared.setup.tuning(&self.conversation);
        Ok(Some(Input::CountsAs(wanted.unplanned())))
    }
}
