"""Encoders of each modality, their fusion, a memory of the session, and two heads.

Each part is written once over arrays of NumPy or of PyTorch, which `xp` names. PyTorch trains,
NumPy serves; convolutions and the LSTM have PyTorch's own beside them for training.
Sizes: S sessions, T windows, M modalities, N windows, d width of a feature, h of the state.
"""
