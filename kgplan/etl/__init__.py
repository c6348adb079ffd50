"""From MOOCCube files to the graph, the learner records and the model."""
