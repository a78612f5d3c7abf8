/* The prologue of every test: cmocka's own prerequisites, in the order that it needs. */
#ifndef COTENANT_TESTS_TEST_H
#define COTENANT_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
