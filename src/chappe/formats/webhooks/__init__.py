"""Other people's webhooks -> CloudEvents, and the proofs that they come from whom they say."""
