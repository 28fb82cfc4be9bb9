<?php

declare(strict_types=1);

namespace Upline\Commission\Model\Data;

use Magento\Framework\DataObject;
use Upline\Commission\Api\Data\TouchInterface;

/**
 * A visit by a share link.
 */
class Touch extends DataObject implements TouchInterface
{
    /**
     * @inheritDoc
     */
    public function getReference(): string
    {
        return (string) $this->getData('reference');
    }

    /**
     * @inheritDoc
     */
    public function getAt(): string
    {
        return (string) $this->getData('at');
    }

    /**
     * @inheritDoc
     */
    public function getPath(): string
    {
        return (string) $this->getData('path');
    }
}
