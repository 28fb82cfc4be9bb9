<?php

declare(strict_types=1);

namespace Upline\Commission\Domain;

/**
 * What the module says of itself.
 */
class Module
{
    /**
     * The module's version, as in CHANGELOG.md and the name of its archive.
     */
    public const VERSION = '1.0.0';

    /**
     * The version of docs/plugin-protocol.md that it speaks.
     */
    public const PROTOCOL = 1;

    public const PLATFORM = 'magento';
}
