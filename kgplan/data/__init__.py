"""What learners did and what items need, as arrays; ids, searching, tables of anyone's."""
