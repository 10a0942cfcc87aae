/* yyjson_alone FILE COUNT: parses the file in place with yyjson, without structs. The copy is made before the timer starts. */
#include <yyjson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int ascending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double cpu(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

int main(int argc, char **argv)
{
    FILE *file = argc == 3 ? fopen(argv[1], "rb") : NULL;
    size_t count = file ? strtoul(argv[2], NULL, 10) : 0;
    if (count == 0) {
        fprintf(stderr, "usage: yyjson_alone FILE COUNT\n");
        return 2;
    }
    fseek(file, 0, SEEK_END);
    size_t length = (size_t)ftell(file);
    rewind(file);
    char *body = malloc(length + 1);
    double *times = calloc(count, sizeof *times);
    if (body == NULL || times == NULL || fread(body, 1, length, file) != length)
        return 1;
    for (size_t i = 0; i < count; i++) {
        char *copy = malloc(length + YYJSON_PADDING_SIZE);
        memcpy(copy, body, length);
        memset(copy + length, 0, YYJSON_PADDING_SIZE);
        double begin = cpu();
        yyjson_doc *doc = yyjson_read_opts(copy, length, YYJSON_READ_INSITU, NULL, NULL);
        times[i] = cpu() - begin;
        if (yyjson_arr_size(yyjson_doc_get_root(doc)) == 0)
            return 1;
        yyjson_doc_free(doc);
        free(copy);
    }
    qsort(times, count, sizeof *times, ascending);
    printf("{\"p50_ns\": %.0f, \"bytes\": %zu}\n", times[count / 2], length);
    return 0;
}
