GOLINK = .venv-golink/bin/pytest

.PHONY: linkage
linkage: $(GOLINK)
	$(GOLINK) golink.toml --golink-report

$(GOLINK):
	python3 -m venv .venv-golink
	.venv-golink/bin/pip install --quiet pytest-golink==0.1.0
