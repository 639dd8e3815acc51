# The labs with everything set up, for learners: .dockerignore keeps answers and hidden checks out.
FROM python:3.12-slim-bookworm
RUN useradd --create-home --uid 1000 learner && install -d -o learner -g learner /home/learner/labs
USER learner
WORKDIR /home/learner/labs
COPY --chown=learner:learner . .
# Any command sets up first; this one does nothing more. A volume at work/ takes over its owner.
RUN ./lab list && mkdir -p work
CMD ["./lab", "start", "--no-browser", "--port", "8888"]
