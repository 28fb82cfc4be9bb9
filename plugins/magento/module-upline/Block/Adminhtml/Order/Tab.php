<?php

declare(strict_types=1);

namespace Upline\Commission\Block\Adminhtml\Order;

use Magento\Backend\Block\Template;
use Magento\Backend\Block\Widget\Tab\TabInterface;
use Magento\Framework\Phrase;

/**
 * The tab of the order view. What is in it is asked for when it is opened: a server that is away makes no order wait.
 */
class Tab extends Template implements TabInterface
{
    /**
     * @inheritDoc
     */
    public function getTabLabel(): Phrase
    {
        return __('Upline');
    }

    /**
     * @inheritDoc
     */
    public function getTabTitle(): Phrase
    {
        return __('Upline: who was paid, and why');
    }

    /**
     * Loaded when it is opened.
     *
     * @return string
     */
    public function getTabClass(): string
    {
        return 'ajax only';
    }

    /**
     * Loaded when it is opened.
     *
     * @return string
     */
    public function getClass(): string
    {
        return $this->getTabClass();
    }

    /**
     * From where.
     *
     * @return string
     */
    public function getTabUrl(): string
    {
        return $this->getUrl('upline/order/view', ['order_id' => (int) $this->getRequest()->getParam('order_id')]);
    }

    /**
     * @inheritDoc
     */
    public function canShowTab(): bool
    {
        return $this->_authorization->isAllowed('Upline_Commission::view');
    }

    /**
     * @inheritDoc
     */
    public function isHidden(): bool
    {
        return false;
    }
}
