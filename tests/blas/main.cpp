// Calls the program, linked in.
extern "C" int fovea_program(int count, char** arguments);

int main(int count, char** arguments) { return fovea_program(count, arguments); }
