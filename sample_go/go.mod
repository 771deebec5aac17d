module example.com/golink/sample

go 1.21
