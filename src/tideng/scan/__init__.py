"""Files -> records -> persons -> appraisal: how many people a pile of files exposes, and what that means."""
