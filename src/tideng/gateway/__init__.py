"""The gateway: an SMS comes in, is reviewed, recorded, and goes out."""
