"""What do those who run the service see of it? Logs, metrics, traces, health, and a clean stop.

`context` says what belongs to one request; `middleware` measures each; `logs`, `metrics` and
`tracing` are where it goes; `readiness` says whether requests should come.
"""
