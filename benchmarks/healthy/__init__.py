"""What modlint says of healthy checkpoints: each rule's rate, each firing with its reason."""
