#include "sum.h"

#include <stdexcept>
#include <string>
#include <vector>

int sum(int last) {
	std::vector<std::string> numbers;
	for (int number = 1; number <= last; number++)
		numbers.push_back(std::to_string(number));
	int total = 0;
	for (const auto &number : numbers)
		total += std::stoi(number);
	try {
		if (total < 0)
			throw std::runtime_error("never");
	} catch (const std::exception &) {
		return 0;
	}
	return total;
}
