"""Between pixels or words and what the network reads: video codecs and text encoders behind two small protocols."""
