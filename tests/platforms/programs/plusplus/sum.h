#ifdef __cplusplus
extern "C"
#endif
int sum(int);
