"""Where others meet the gateway: translate, call one step, translate back."""
