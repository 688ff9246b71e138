"""Who asks the calls product over HTTP: translate, call one step, translate back."""
