"""Try-on served by Triton: the model repository, the code that runs inside the server, the server and its client."""
