#pragma once
// Kernel calls that Swift's Glibc module does not show.
#include <poll.h>
#include <sys/eventfd.h>
