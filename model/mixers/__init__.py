"""How a block mixes time: cumulative linear attention, frame-wise GDN, or softmax attention."""
